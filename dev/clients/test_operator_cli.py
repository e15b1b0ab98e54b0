"""What all commands have in common: help, manual pages, completions, JSON, colours, exit statuses."""

import json
import re
import shutil
import subprocess

import pytest
from harness import BINARY, CLEAN
from screens import tmux_session


def run(*arguments, status=0, environment=None, input=None):
    done = subprocess.run(
        [BINARY, *map(str, arguments)], env=environment or CLEAN, input=input, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def commands():
    """The words of every command that does something, by the manual pages that there are."""
    names = [line.split()[0] for line in run("--help").stdout.splitlines() if re.match(r"  [a-z]+ +\S", line)]
    found = []
    for name in names:
        inner = re.search(r"Commands:\n((?:  .*\n)+)", run(name, "--help").stdout)
        words = re.findall(r"^  ([a-z-]+)  ", inner.group(1), re.M) if inner else []
        found += [[name, word] for word in words if word != "help"] or [[name]]
    return found


def test_help_groups_the_commands_and_each_says_how_it_ends():
    text = run("--help").stdout
    groups = re.findall(r"^([A-Z][a-z ]+):$", text, re.M)
    assert groups[:3] == ["The server", "Trails", "Evidence"] and groups[-1] == "Options", groups
    assert "Others" not in groups, "every command has its group"
    all_commands = commands()
    assert len(all_commands) > 14
    for words in all_commands:
        help_text = run(*words, "--help").stdout
        assert re.search("exit status", help_text, re.I), f"{words} does not say its exit statuses"
        assert "shoseki " + " ".join(words) in help_text.split("Usage:", 1)[1].split("\n", 1)[1], f"{words} has no example"
    run(status=2)
    run("nonsense", status=2)


@pytest.mark.parametrize("shell, check", [
    ("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"]), ("powershell", None), ("elvish", None)])
def test_completions_are_programs_of_their_shells(shell, check, tmp_path):
    text = run("completions", shell).stdout
    for word in ("search", "--histogram", "rootkey"):
        assert word.removeprefix("--") in text, word
    if check and shutil.which(check[0]):
        (tmp_path / "script").write_text(text)
        done = subprocess.run([*check, tmp_path / "script"], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr


def test_bash_completes_what_is_typed(tmp_path):
    script = f"""
source <('{BINARY}' completions bash)
COMP_WORDS=(shoseki sea); COMP_CWORD=1; _shoseki shoseki sea shoseki; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(shoseki search --histo); COMP_CWORD=2; _shoseki shoseki --histo search; echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], env=CLEAN, capture_output=True, text=True, timeout=30)
    assert done.stdout == "search\n--histogram\n", done.stdout + done.stderr


def test_every_command_has_a_manual_page(tmp_path):
    assert re.fullmatch(r"\d+ pages in \S+\n", run("man", "--dir", tmp_path / "man1").stdout)
    pages = {path.name for path in (tmp_path / "man1").iterdir()}
    for words in commands():
        assert "-".join(["shoseki", *words]) + ".1" in pages
    for path in (tmp_path / "man1").iterdir():
        text = path.read_text()
        assert re.search(r"^\.TH SHOSEKI", text, re.M) and ".SH NAME" in text and ".SH SYNOPSIS" in text, path.name
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True, text=True, timeout=30)
            assert done.returncode == 0 and "error" not in done.stderr, f"{path.name}: {done.stderr}"
    page = run("man", "search").stdout
    assert page == (tmp_path / "man1" / "shoseki-search.1").read_text()
    assert "there is no command `nonsense`" in run("man", "nonsense", status=1).stderr


def test_answers_of_a_server_are_json_when_asked_for(serve):
    server = serve("--rehearsal")
    here = ("--data-dir", server.data_dir)

    def answer(*arguments):
        text = run(*arguments, *here, "--output", "json").stdout
        return json.loads(text)

    variables = answer("env")
    assert variables["AWS_ENDPOINT_URL"] == server.endpoint and variables["AWS_ACCESS_KEY_ID"] == server.root.access_key
    assert "now" in answer("clock", "advance", "1m")
    assert answer("account", "list") == json.loads(run("account", "list", *here, "--json").stdout)
    assert "AccessKeyId" in answer("account", "create")
    assert "Rotations" in answer("rootkey", "status")
    run("account", "list", *here, "--json", "--output", "json", status=2)
    assert server.stop() == 0
    assert answer("fsck")["clean"] is True


def test_colours_are_for_terminals(serve, tmp_path):
    server = serve()
    colour = {**CLEAN, "NO_COLOR": ""}
    for arguments in (["--help"], ["account", "list", "--data-dir", server.data_dir], ["search", "--help"], ["nonsense"]):
        done = subprocess.run([BINARY, *map(str, arguments)], env=colour, capture_output=True, text=True, timeout=30)
        assert "\x1b" not in done.stdout + done.stderr, arguments
    record = {"eventTime": "2026-11-22T00:00:00Z", "eventName": "GetObject", "eventSource": "s3.amazonaws.com", "errorCode": "AccessDenied"}
    (tmp_path / "one.json").write_text(json.dumps(record))
    for no_color, expected in (("", True), ("1", False)):
        with tmux_session(tmp_path, [BINARY, "search", "--files", "one.json"], environment={"NO_COLOR": no_color}) as session:
            assert session.wait_end() == 0
            session.wait_for("AccessDenied")
            assert ("\x1b[" in session.tmux("capture-pane", "-p", "-e")) == expected


def test_a_file_that_is_not_there_or_of_no_use_is_told_in_the_language_asked_for(tmp_path):
    odd = tmp_path / "odd.json"
    odd.write_text("no JSON")
    absent = tmp_path / "absent.json"
    for arguments in [["check", "--from"], ["plan", "--delete-key", "alias/a", "--from"], ["cost", "--from"],
                      ["guard", "run", "--once"]]:
        for language, words in [("en", ("cannot read", "cannot be used")), ("ja", ("を読み込めません", "の内容を解釈できません"))]:
            for file, word in zip((absent, odd), words):
                command = [BINARY, "--lang", language, *arguments, str(file)]
                done = subprocess.run(command, env={**CLEAN, "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60)
                assert done.returncode == 1 and done.stdout == "", (command, done.stderr)
                assert f"`{file}`" in done.stderr and word in done.stderr, (command, done.stderr)
