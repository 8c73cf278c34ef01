import Model
import Testing

@testable import Journal

/// A class around the fold: expectations cannot call mutating functions.
private final class Fold {
  private var fold: LineFold
  init(burst: Int = 1) { fold = LineFold(burst: burst) }
  var due: Instant? { fold.due }
  func admit(_ line: LineFold.Line, _ text: String, at now: Instant) -> Bool { fold.admit(line, text, at: now) }
  func counts(at now: Instant, all: Bool = false) -> [(level: LogLevel, text: String)] {
    fold.counts(at: now, all: all)
  }
}

@Suite struct LineFoldTests {
  private let start = Instant(nanoseconds: 1_000_000_000)

  private func line(_ key: String, _ level: LogLevel = .warning) -> LineFold.Line {
    LineFold.Line(level: level, key: key)
  }

  private func event(_ type: String, _ source: String, _ text: String) -> LineFold.Line {
    LineFold.Line(.warning, Event(id: ULID(high: 0, low: 1), type: type, source: source), text)
  }

  @Test func theFirstIsWrittenAndTheOthersAreCounted() {
    let fold = Fold()
    #expect(fold.admit(line("a"), "a", at: start))
    #expect(fold.due == nil)
    for _ in 0..<194_098 where fold.admit(line("a"), "a", at: start + .seconds(1)) { Issue.record("written") }
    #expect(fold.admit(line("b"), "b", at: start + .seconds(1)))
    #expect(fold.due == start + .seconds(10))
    #expect(fold.counts(at: start + .seconds(9)).isEmpty)
    #expect(fold.counts(at: start + .seconds(10)).map(\.text) == ["a (194,098 times more in 10s)"])
    #expect(fold.due == nil)
  }

  /// Lines at a readable pace are printed one by one; faster ones are counted.
  @Test func aBurstIsWrittenBeforeTheRestIsCounted() {
    let fold = Fold(burst: 3)
    var written = 0
    for second in 0..<40 {
      let now = start + .milliseconds(Int64(second) * 5000)
      if fold.admit(line("slow"), "slow", at: now) { written += 1 }
    }
    #expect(written == 40 && fold.due == nil)
    let now = start + .seconds(1000)
    #expect((0..<10).count { _ in fold.admit(line("fast"), "fast", at: now) } == 3)
    #expect(fold.counts(at: now + .seconds(10)).map(\.text) == ["fast (7 times more in 10s)"])
    #expect(!fold.admit(line("fast"), "fast", at: now + .seconds(11)), "it goes on")
  }

  /// The same warning at every reading for an hour: eight lines of 720.
  @Test func whatGoesOnIsCountedForLonger() {
    let fold = Fold()
    var written: [String] = []
    for second in stride(from: 0, to: 3600, by: 5) {
      let now = start + .seconds(second)
      written += fold.counts(at: now).map(\.text)
      if fold.admit(line("a"), "a", at: now) { written.append("a") }
    }
    #expect(written.prefix(3) == ["a", "a (once more in 10s)", "a (12 times more in 1m)"])
    #expect(written.count == 8 && written.last == "a (120 times more in 10m)")
  }

  @Test func afterAPauseItIsNewAgain() {
    let fold = Fold()
    #expect(fold.admit(line("a"), "a", at: start))
    #expect(!fold.admit(line("a"), "a", at: start + .seconds(1)))
    _ = fold.counts(at: start + .seconds(10))
    #expect(fold.admit(line("a"), "a", at: start + .seconds(3600)))
  }

  @Test func linesOfOneEventAreAlikeButForTheirNumbers() {
    let late = event("system:late", "system", "the loop turned 13ms late")
    #expect(late == event("system:late", "system", "the loop turned 2.5ms late"))
    #expect(late != event("system:late", "system", "the loop turned 13s late"))
    #expect(event("rule:error", "rule/r1", "rule r1 failed") != event("rule:error", "rule/r2", "rule r1 failed"))
    #expect(
      event("system:guardian_report", "system", "relay1 is NOT SAFE")
        != event("system:guardian_report", "system", "relay2 is NOT SAFE"))
  }

  /// A thousand rules that fail on one event. An error among them is always written.
  @Test func manyKindsOfLinesAtOnceAreBounded() {
    let fold = Fold()
    let written = (0..<1000).count { fold.admit(line("rule \($0)"), "x", at: start) }
    #expect(written == LineFold.most)
    #expect(fold.admit(line("NOT SAFE", .error), "NOT SAFE", at: start))
    let counts = fold.counts(at: start + .seconds(10))
    #expect(counts.map(\.text) == ["872 more lines were left out; 'openstarry events' has what happened"])
    #expect(fold.admit(line("later"), "later", at: start + .seconds(11)))
  }

  @Test func theEndLeavesNothingUncounted() {
    let fold = Fold()
    _ = fold.admit(line("a"), "a", at: start)
    _ = fold.admit(line("a"), "a", at: start)
    #expect(fold.counts(at: start, all: true).count == 1)
  }
}
