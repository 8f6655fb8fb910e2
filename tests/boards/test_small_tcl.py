"""The interpreter that stands in where there is no tkinter, against the real one."""

import pytest
from small_tcl import SmallTcl, TclError
from vivado_validation import problems


def test_it_does_what_the_real_one_does(run, board, tmp_path) -> None:
    pytest.importorskip("tkinter", reason="a Python without Tcl")
    real = run(board)
    for path in sorted(real.folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    real.folder.rmdir()
    own = run(board, own=True)
    assert own.calls == real.calls
    assert own.output == real.output
    assert problems(own) == []


@pytest.mark.parametrize(
    ("script", "result"),
    [
        ("set a {b c}; set a", "b c"),
        ('set a 1; set b "x$a [list y {z z}]"', "x1 y {z z}"),
        ("llength [list a {b c} \\\n d]", "3"),
        ("set sum {}; foreach {a b} {1 2 3 4} {lappend sum $b$a}; set sum", "21 43"),
        ("set x 3; if {abs($x - 5) > 1 && $x ne {}} {set x far}; set x", "far"),
        ("# nothing; here\nset a 2", "2"),
        ("proc twice {a} {list $a $a}; twice [lindex {p q} 1]", "q q"),
        ("list {*}{a b} c", "a b c"),
        ("string is double -strict {}", "0"),
    ],
)
def test_words(script, result) -> None:
    real = pytest.importorskip("tkinter", reason="a Python without Tcl").Tcl()
    assert str(real.eval(script)) == result
    assert SmallTcl().eval(script) == result


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("unheard of", "invalid command name"),
        ("set b $a", "no such variable"),
        ("error {no more}", "no more"),
        ("set a {", "missing"),
    ],
)
def test_errors(script, message) -> None:
    with pytest.raises(TclError, match=message):
        SmallTcl().eval(script)
