import Testing

@testable import ExampleAgents

@Suite struct CodeReviewTests {
  private func review(_ patch: String) -> CodeReviewer.Findings { CodeReviewer.review(Array(patch.utf8)) }

  @Test func hunksAndFilesKeepTheirLineNumbers() {
    let findings = review(
      """
      From 0123 Mon Sep 17 00:00:00 2001
      Subject: [PATCH] Two files

      - a message may have lists
      + of both kinds, with a FIXME
      @@ and this @@
      ---
       a.txt | 3 ++-
       2 files changed, 3 insertions(+), 1 deletion(-)

      diff --git a/a.txt b/a.txt
      index 1..2 100644
      --- a/a.txt
      +++ b/a.txt
      @@ -3,2 +3,3 @@ func before() { // FIXME
       kept FIXME
      -gone FIXME
      +new
      +FIXME: line five
      @@ -100 +101 @@
      -old
      +password=1234
      diff --git a/b.txt b/b.txt
      new file mode 100644
      --- /dev/null
      +++ b/b.txt
      @@ -0,0 +1,3 @@
      +-----BEGIN OPENSSH PRIVATE KEY-----
      +++ looks like a header
      +<<<<<<< HEAD
      \\ No newline at end of file
      --\u{20}
      2.39.5

      """)
    #expect((findings.files, findings.added, findings.removed) == (2, 6, 2))
    #expect(
      findings.remarks == [
        "a.txt:5: an unfinished place", "a.txt:101: a password", "b.txt:1: a private key",
        "b.txt:3: a merge conflict marker",
      ])
  }

  @Test func renamesAndBinariesAreFilesWithoutLines() {
    let findings = review(
      """
      diff --git a/old.txt b/new.txt
      similarity index 100%
      rename from old.txt
      rename to new.txt
      diff --git a/logo.png b/logo.png
      index 1..2 100644
      Binary files a/logo.png and b/logo.png differ
      diff --git a/moved.txt b/elsewhere.txt
      similarity index 90%
      rename from moved.txt
      rename to elsewhere.txt
      --- a/moved.txt
      +++ b/elsewhere.txt
      @@ -7 +7 @@
      --- dashes
      +FIXME

      """)
    #expect((findings.files, findings.added, findings.removed, findings.count) == (3, 1, 1, 1))
    #expect(findings.remarks == ["elsewhere.txt:7: an unfinished place"])
  }

  @Test func hugePatchesAndLongLinesAreBounded() {
    let lines = 20_000
    let patch =
      "diff --git a/x b/x\n+++ b/x\n@@ -0,0 +1,\(lines + 1) @@\n" + String(repeating: "+FIXME\n", count: lines) + "+"
      + String(repeating: "é", count: 5000)
    let findings = review(patch)
    #expect(findings.added == lines + 1)
    #expect(findings.count == lines + 1)
    #expect(findings.remarks.count == 50)
  }

  @Test func malformedPatchesAreReviewed() {
    for patch in [
      "", "\n", "@@", "@@ -1,2", "@@ -x,y +z @@\n+FIXME", "@@ -1 +1,2,3 @@\n+a",
      "@@ -0,0 +1,99999999999999999999 @@\n+a", "@@ -1,5 +1,5 @@\n", "+++ b/\n+FIXME",
      "@@ -9223372036854775807 +-9223372036854775807,-3 @@\n+a\n-b",
    ] {
      let findings = review(patch)
      #expect(findings.count == 0)
    }
    var state: UInt64 = 7
    let alphabet = Array("@+- ,0129\n\\FIXMEdiff".utf8)
    for _ in 0..<500 {
      let bytes = (0..<120).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return alphabet[Int(state >> 33) % alphabet.count]
      }
      #expect(CodeReviewer.review(bytes).added <= 120)
    }
  }
}
