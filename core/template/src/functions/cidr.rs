//! `Fn::Cidr`: blocks of addresses, one after the other, within a block.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::{Evaluated, Evaluator, refused};

/// The most blocks that may be asked for.
const BLOCKS_MAX: u32 = 256;

impl Evaluator<'_> {
    /// `Fn::Cidr`: a block, how many, and how many bits of an address lie within each.
    pub(super) fn cidr(&self, argument: &Value) -> Evaluated {
        let (block, count, bits) = match argument.as_array().map(Vec::as_slice) {
            Some([block, count]) => (block, count, None),
            Some([block, count, bits]) => (block, count, Some(bits)),
            _ => {
                return refused(
                    "Template error: every Fn::Cidr object requires two or three parameters, the IP block, the count and \
                     the CIDR bits",
                );
            }
        };
        let block = self.scalar(block)?.unwrap_or_default();
        let count = self.whole(count)?;
        let bits = bits.map(|bits| self.whole(bits)).transpose()?;
        match blocks(&block, count, bits.unwrap_or(Some(8))) {
            Ok(blocks) => self.texts_made(blocks),
            Err(what) => refused(format!("Template error: Fn::Cidr {what}")),
        }
    }

    /// A whole number; `None` where it is none.
    fn whole(&self, value: &Value) -> Result<Option<u32>, crate::EvaluateError> {
        Ok(self.scalar(value)?.and_then(|text| text.trim().parse().ok()))
    }
}

/// `count` blocks within a block, each of `2^bits` addresses.
fn blocks(block: &str, count: Option<u32>, bits: Option<u32>) -> Result<Vec<String>, String> {
    let invalid = || format!("needs a CIDR block, not {block}");
    let (address, prefix) = block.split_once('/').ok_or_else(invalid)?;
    let address: IpAddr = address.parse().map_err(|_| invalid())?;
    let width: u32 = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u32 = prefix
        .parse()
        .ok()
        .filter(|prefix| *prefix <= width)
        .ok_or_else(invalid)?;
    let count = count
        .filter(|count| (1..=BLOCKS_MAX).contains(count))
        .ok_or_else(|| format!("needs a count between 1 and {BLOCKS_MAX}"))?;
    let bits = bits
        .filter(|bits| (1..=width).contains(bits))
        .ok_or_else(|| format!("needs CIDR bits between 1 and {width}"))?;
    let free = width - prefix;
    let fits = free
        .checked_sub(bits)
        .is_some_and(|room| room >= 8 || count <= 1 << room);
    if !fits {
        return Err(format!("cannot make {count} blocks of {bits} bits within {block}"));
    }
    let start = match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let start = start.checked_shr(free).unwrap_or(0).checked_shl(free).unwrap_or(0);
    let size = width - bits;
    Ok((0..count)
        .map(|index| {
            format!(
                "{}/{size}",
                written(address, start | (u128::from(index).checked_shl(bits).unwrap_or(0)))
            )
        })
        .collect())
}

/// An address of the kind of another.
fn written(like: IpAddr, bits: u128) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(bits as u32)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}
