"""What Ray gives as the reason of a failure, as a person reads it. No Ray starts."""

from ftm_ray.serving.serve_state import last_line


def test_errors_are_told_without_python():
    traceback = (
        "Traceback (most recent call last):\n  File x\nRuntimeError: torch.OutOfMemoryError: CUDA out of memory\n\n"
    )
    assert last_line(traceback) == "CUDA out of memory"
    assert last_line("Value: 3 Error: 4") == "Value: 3 Error: 4"
    assert last_line(" \n") == "Ray gives no reason"
