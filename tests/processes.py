"""Processes of Ray and of vLLM, by the titles that they give themselves."""

import psutil


def titled(*words: str, below: int | None = None) -> list[psutil.Process]:
    """The living processes whose title has all these words, such as "ray::" and "TopicFinder".

    Args:
        words: Parts of the title.
        below: Process whose descendants are looked at; null = this one.
    """
    found = []
    for process in psutil.Process(below).children(recursive=True):
        try:
            title = " ".join(process.cmdline()[:1])
        except psutil.Error:  # it ended this moment
            continue
        if all(word in title for word in words):
            found.append(process)
    return found
