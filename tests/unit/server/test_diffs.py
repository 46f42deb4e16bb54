from trackback.server.ui.runs.commits import commit_url
from trackback.server.ui.runs.diffs import LINES, read_diff

DIFF = """# untracked, and not kept: notes.txt
diff --git a/src/model.py b/src/model.py
index 1..2 100644
--- a/src/model.py
+++ b/src/model.py
@@ -1,3 +1,3 @@
 import numpy
-DEPTH = 3
+DEPTH = 7
+--- not a name
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x = 1
diff --git a/a b/b.png b/a b/b.png
Binary files a/a b/b.png and b/a b/b.png differ
"""


def test_a_diff_is_told_by_files_with_what_was_added_and_removed() -> None:
    diff = read_diff(DIFF)
    assert diff.remarks == ["untracked, and not kept: notes.txt"]
    assert [(each.path, each.added, each.removed) for each in diff.files] == [
        ("src/model.py", 2, 1),
        ("gone.py", 0, 1),
        ("b.png", 0, 0),
    ]
    assert [line.kind for line in diff.files[0].lines] == ["place", "", "removed", "added", "added"]


def test_a_text_that_is_no_diff_is_all_remarks_and_a_long_one_is_cut() -> None:
    assert read_diff("hello\nthere").remarks == ["hello", "there"]
    assert read_diff("diff --git a/x b/x\n" + "+x\n" * (LINES + 10)).left_out > 0


def test_a_commit_leads_to_its_page_and_to_nothing_else() -> None:
    commit = "a" * 40
    assert commit_url("git@github.com:o/r.git", commit) == f"https://github.com/o/r/commit/{commit}"
    assert commit_url("https://user:secret@gitlab.example.org/g/r", commit) == (
        f"https://gitlab.example.org/g/r/-/commit/{commit}"
    )
    for repository, of in (("javascript:alert(1)", commit), ("/srv/r.git", commit), ("https://x.org/r", "../../x")):
        assert commit_url(repository, of) == ""
