"""The console without a browser: pages asked for as a client that runs no script asks for them."""

import html
import http.client
import re
import urllib.parse

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


__all__ = ["Pages", "link", "signed_in", "words"]
