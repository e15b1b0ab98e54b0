"""The console without a browser: pages asked for as a client that runs no script asks for them."""

import html
import html.parser
import http.client
import re
import urllib.parse
from dataclasses import dataclass, field

from browser import link


class Pages:
    """A client that sends what it is told, and keeps its cookies."""

    def __init__(self, server):
        self.server = server
        self.cookies = {}

    def ask(self, method, path, fields=None, **headers):
        """An answer and its text. `path` is below the console's root; `fields` are of a form."""
        connection = http.client.HTTPConnection(*self.server.address, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if fields is not None:
            body = urllib.parse.urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, f"/console{path}", body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("set-cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        connection.close()
        return answer, text

    def token(self, path="/"):
        return re.search(r'name="token" value="([^"]+)"', self.ask("GET", path)[1]).group(1)

    def sign_in(self, principal, **more):
        fields = {"token": self.token("/sign-in"), "key": principal.access_key, "secret": principal.secret_key}
        fields |= {"session": principal.token} if principal.token else {}
        return self.ask("POST", "/sign-in", fields | more)

    def get(self, path, status=200):
        """A page's words, one space between any two."""
        answer, text = self.ask("GET", path)
        assert answer.status == status, (answer.status, words(text)[:2000])
        return text

    def post(self, path, fields, status=200):
        """What a form of this session answers."""
        answer, text = self.ask("POST", path, {"token": self.token(), **fields})
        assert answer.status == status, (answer.status, words(text)[:2000])
        return text

    def confirm(self, path, shown):
        """Sends the form of a page that shows a change."""
        [form] = [one for one in re.findall(r"<form.*?</form>", shown, re.DOTALL) if "change-digest" in one]
        fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
        return self.ask("POST", path, [(html.unescape(name), html.unescape(value)) for name, value in fields])


def signed_in(server, principal=None):
    pages = Pages(server)
    answer, text = pages.sign_in(principal or server.root)
    assert answer.status == 303, words(text)
    return pages


def words(text):
    """What is read on a page, without its marks."""
    text = re.sub(r"<(script|style).*?</\1>", " ", text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


SKIPPED = {"script", "style", "datalist"}


@dataclass
class Form:
    action: str
    method: str
    fields: list = field(default_factory=list)
    buttons: list = field(default_factory=list)


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.forms, self.links, self.words, self.codes = [], [], [], []
        self.form = self.select = self.area = self.code = None
        self.skip = 0
        self.main = 0

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if tag in SKIPPED:
            self.skip += 1
        if tag == "main":
            self.main += 1
        if tag == "a" and "href" in of:
            self.links.append(of["href"])
        if tag == "form":
            self.form = Form(of.get("action", ""), of.get("method", "get"))
            self.forms.append(self.form)
        if tag == "code":
            self.code = ""
        if self.form is None:
            return
        if tag == "input":
            boxed = of.get("type") in ("checkbox", "radio")
            if not boxed or "checked" in of:
                self.form.fields.append((of["name"], of.get("value", "on" if boxed else "")))
        elif tag == "select":
            self.select = of["name"]
        elif tag == "option" and self.select and ("selected" in of or not self._has(self.select)):
            self._set(self.select, of.get("value", ""))
        elif tag == "textarea":
            self.area = (of["name"], "")
        elif tag == "button" and "name" in of:
            self.form.buttons.append((of["name"], of.get("value", "")))

    def _has(self, name):
        return any(known == name for known, _ in self.form.fields)

    def _set(self, name, value):
        self.form.fields = [one for one in self.form.fields if one[0] != name] + [(name, value)]

    def handle_endtag(self, tag):
        if tag in SKIPPED:
            self.skip -= 1
        if tag == "main":
            self.main -= 1
        if tag == "form":
            self.form = None
        if tag == "select":
            self.select = None
        if tag == "code" and self.code is not None:
            self.codes.append(self.code)
            self.code = None
        if tag == "textarea" and self.area:
            name, text = self.area
            self.form.fields.append((name, text.removeprefix("\n")))
            self.area = None

    def handle_data(self, data):
        if self.area:
            self.area = (self.area[0], self.area[1] + data)
        if self.code is not None:
            self.code += data
        if self.main and not self.skip:
            self.words.append(data)


class Page:
    """An answer: its status, its text, and what can be done with it."""

    def __init__(self, status, headers, source):
        self.status, self.headers, self.source = status, headers, source
        reader = _Reader()
        reader.feed(source)
        self.forms, self.links, self.codes = reader.forms, reader.links, reader.codes
        self.text = re.sub(r"\s+", " ", " ".join(reader.words)).strip()

    def form(self, action):
        """The form of the page that goes to this path below the console's root: the last of them, which confirms."""
        found = [one for one in self.forms if one.action == f"/console{action}" and not one.buttons]
        assert found, f"no form to {action} among {[one.action for one in self.forms]}:\n{self.text[:2000]}"
        return found[-1]


class Walker(Pages):
    """Somebody who is signed in, with a browser without script: opens pages, and sends their forms with all that is in them."""

    def __init__(self, server, who=None, language="en"):
        super().__init__(server)
        self.language = language
        answer, text = self.sign_in(who or server.root)
        assert answer.status == 303, words(text)

    def open(self, path):
        answer, text = self.ask("GET", path, Accept_Language=self.language)
        return Page(answer.status, answer.headers, text)

    def fill(self, path, fields):
        answer, text = self.ask("POST", path, fields, Accept_Language=self.language)
        return Page(answer.status, answer.headers, text)

    def send(self, page, action, **changed):
        """Sends a form of a page with these values in the place of those it has; None leaves a field out, a list gives several."""
        changed = {name.replace("_", "-"): value for name, value in changed.items()}
        fields = [one for one in page.form(action).fields if one[0] not in changed]
        for name, value in changed.items():
            values = value if isinstance(value, list) else [value]
            fields += [(name, one) for one in values if one is not None]
        return self.fill(action, fields)


__all__ = ["Pages", "Walker", "link", "signed_in", "words"]
