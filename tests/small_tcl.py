"""As much of Tcl as the build scripts use, for a Python that came without tkinter.

`tests/boards/test_small_tcl.py` holds it against the real interpreter wherever there is one.
"""

import glob
import os
import re
import shutil
from collections.abc import Callable


class TclError(Exception):
    """An error of the script or of a command in it."""


class SmallTcl:
    """An interpreter with the methods of `tkinter.Tcl` that the recorder needs."""

    def __init__(self) -> None:
        self._variables: dict[str, str] = {"argv": ""}
        self._script = ""
        self._commands: dict[str, Callable[..., object]] = {
            "set": self._set,
            "list": lambda *words: join(words),
            "lindex": lambda text, n: split(text)[int(n)],
            "llength": lambda text: len(split(text)),
            "lappend": self._lappend,
            "foreach": self._foreach,
            "if": self._if,
            "proc": self._proc,
            "error": self._error,
            "info": self._info,
            "file": self._file,
            "glob": self._glob,
            "string": self._string,
            "source": self._source,
        }

    def createcommand(self, name: str, function: Callable[..., object]) -> None:
        self._commands[name] = function

    def eval(self, text: str) -> str:
        result = ""
        for words in self._parse(text):
            name, *arguments = words
            if name not in self._commands:
                raise TclError(f'invalid command name "{name}"')
            result = str(self._commands[name](*arguments))
        return result

    def _parse(self, text: str):
        """Yield the commands, each as its words after substitution."""
        at, words = 0, []
        while at < len(text):
            char = text[at]
            if text.startswith("\\\n", at):
                at += 2
            elif char in " \t":
                at += 1
            elif char in "\n;":
                if words:
                    yield words
                words, at = [], at + 1
            elif char == "#" and not words:
                at = end if (end := text.find("\n", at)) >= 0 else len(text)
            else:
                spread = text.startswith("{*}", at)
                word, at = self._word(text, at + 3 * spread)
                words += split(word) if spread else [word]
        if words:
            yield words

    def _word(self, text: str, at: int) -> tuple[str, int]:
        if text[at] == "{":
            end = closing(text, at, "{", "}")
            return re.sub(r"\\\n\s*", " ", text[at + 1 : end]), end + 1
        if text[at] == '"':
            end = at + 1
            while text[end] != '"':
                end = closing(text, end, "[", "]") + 1 if text[end] == "[" else end + 1
            return self._substitute(text[at + 1 : end]), end + 1
        end = at
        while end < len(text) and text[end] not in " \t\n;":
            end = closing(text, end, "[", "]") + 1 if text[end] == "[" else end + 1
        return self._substitute(text[at:end]), end

    def _substitute(self, text: str, quote: Callable[[str], str] = str) -> str:
        result, at = "", 0
        while at < len(text):
            variable = re.match(r"\$(\w+)", text[at:])
            if text[at] == "[":
                end = closing(text, at, "[", "]")
                result += quote(self.eval(text[at + 1 : end]))
                at = end + 1
            elif variable:
                if variable[1] not in self._variables:
                    raise TclError(f'can\'t read "{variable[1]}": no such variable')
                result += quote(self._variables[variable[1]])
                at += variable.end()
            else:
                result += text[at]
                at += 1
        return result

    def _expression(self, text: str) -> object:
        python = self._substitute(text, lambda v: v if is_number(v) else repr(v))
        for tcl, ours in (
            (r"\bne\b", "!="),
            (r"\beq\b", "=="),
            ("&&", " and "),
            (r"!(?!=)", "not "),
        ):
            python = re.sub(tcl, ours, python)
        return eval(python, {"__builtins__": {}, "abs": abs})

    def _set(self, name: str, *value: str) -> str:
        if value:
            self._variables[name] = value[0]
        return self._variables[name]

    def _lappend(self, name: str, *words: str) -> str:
        return self._set(name, join([*split(self._variables.get(name, "")), *words]))

    def _foreach(self, names: str, values: str, body: str) -> str:
        targets, items = split(names), split(values)
        for at in range(0, len(items), len(targets)):
            for name, value in zip(targets, items[at:], strict=False):
                self._set(name, value)
            self.eval(body)
        return ""

    def _if(self, condition: str, body: str) -> str:
        return self.eval(body) if self._expression(condition) else ""

    def _proc(self, name: str, parameters: str, body: str) -> str:
        def call(*arguments: str) -> str:
            outer = self._variables
            self._variables = dict(zip(split(parameters), arguments, strict=True))
            try:
                return self.eval(body)
            finally:
                self._variables = outer

        self._commands[name] = call
        return ""

    def _error(self, message: str) -> str:
        raise TclError(message)

    def _info(self, what: str, name: str = "") -> object:
        return self._script if what == "script" else int(name in self._variables)

    def _file(self, what: str, *arguments: str) -> str:
        if what == "dirname":
            return os.path.dirname(arguments[0])
        if what == "normalize":
            return os.path.abspath(arguments[0])
        if what == "join":
            return os.path.join(*arguments)
        _, *paths = arguments
        if what == "delete":
            for path in paths:
                if os.path.exists(path):
                    os.unlink(path)
            return ""
        if what == "copy":
            shutil.copyfile(*paths)
            return ""
        raise TclError(f"file {what} is not known")

    def _glob(self, *arguments: str) -> str:
        *options, folder, pattern = arguments
        assert options == ["-nocomplain", "-directory"]
        found = sorted(glob.glob(pattern, root_dir=folder))
        return join(os.path.join(folder, name) for name in found)

    def _string(self, *arguments: str) -> int:
        assert arguments[:-1] == ("is", "double", "-strict")
        return int(is_number(arguments[-1]))

    def _source(self, path: str) -> str:
        self._script = path
        with open(path) as file:
            return self.eval(file.read())


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def closing(text: str, at: int, opening: str, end: str) -> int:
    """Return where the bracket at ``at`` is closed."""
    depth = 0
    for index in range(at, len(text)):
        depth += (text[index] == opening) - (text[index] == end)
        if depth == 0:
            return index
    raise TclError(f"missing {end}")


def split(text: str) -> list[str]:
    """Return the words of a list."""
    words, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text[at] == "{":
            end = closing(text, at, "{", "}")
            words.append(text[at + 1 : end])
            at = end + 1
        else:
            found = re.match(r"\S+", text[at:])
            assert found
            words.append(found[0])
            at += found.end()
    return words


def join(words) -> str:
    """Return words as a list."""
    return " ".join(w if re.fullmatch(r"[^\s{}]+", w) else f"{{{w}}}" for w in map(str, words))
