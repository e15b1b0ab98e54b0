//! AWS protocols on the wire: which service and operation a request means, input in, output and errors out.
