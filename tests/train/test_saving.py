"""Writes that find no room: told once, tried again, an error only at the end."""

import pytest

from zynq_lstm.quant.errors import UserError
from zynq_lstm.train.saving import Saving


def test_tries_again_until_there_is_room() -> None:
    written: list[str] = []
    notes: list[str] = []
    full = False

    def write(content: str):
        def attempt() -> None:
            if full:
                raise UserError("Output must be writable")
            written.append(content)

        return attempt

    saving = Saving(notes.append)
    saving.save(write("one"))
    assert (written, saving.waiting) == (["one"], False)
    full = True
    saving.save(write("two"))
    saving.retry()
    saving.save(write("three"))
    assert notes == ["Output must be writable. Training goes on; it tries again after each epoch"]
    with pytest.raises(UserError):
        saving.finish()
    assert saving.waiting
    full = False
    saving.retry()
    saving.retry()
    saving.finish()
    assert (written, saving.waiting) == (["one", "three"], False)
    full = True
    saving.save(write("four"))
    assert len(notes) == 2
