import HALTestKit
import Model
import Testing

@testable import HAL

/// Short, long and double presses.
@Suite struct GestureTests {
  private let both = GestureSettings(long: .milliseconds(800), double: .milliseconds(300))

  /// Presses and pauses in milliseconds, beginning with a press, and then a long wait.
  /// - Returns: each gesture, and when it was told.
  private func gestures(
    _ settings: GestureSettings, _ script: [Int], debounce: Duration = .zero, edges: InputSettings.Edges = .both
  ) throws -> [String] {
    let bench = GateBench([.input("button", InputSettings(edges: edges, debounce: debounce, gestures: settings))])
    let start = bench.clock.now
    for (index, length) in script.enumerated() {
      try bench.backend.inject("button", ["active": .bool(index % 2 == 0)])
      bench.wait(length)
    }
    if script.count % 2 == 1 { try bench.backend.inject("button", ["active": false]) }
    bench.wait(5000)
    #expect(bench.clock.waiting == 0)
    return bench.sink.of("gesture:button").map {
      "\($0["kind"]?.string ?? "") \((Instant(nanoseconds: $0.monotonic) - start).nanoseconds / 1_000_000)"
    }
  }

  @Test func aPressIsShortOnceNoSecondOneFollows() throws {
    #expect(try gestures(both, [100]) == ["short 400"])
    #expect(try gestures(GestureSettings(long: .seconds(1)), [100]) == ["short 100"])
    #expect(try gestures(GestureSettings(), [5000]) == ["short 5000"])
  }

  @Test func aLongPressIsToldWhileItLasts() throws {
    #expect(try gestures(both, [3000]) == ["long 800"])
    #expect(try gestures(both, [799]) == ["short 1099"])
    #expect(try gestures(both, [800]) == ["long 800"])
  }

  @Test func twoPressesAreADoubleOne() throws {
    #expect(try gestures(both, [100, 200, 100]) == ["double 400"])
    #expect(try gestures(both, [100, 300, 100]) == ["short 400", "short 800"])
    #expect(try gestures(both, [100, 200, 100, 200, 100]) == ["double 400", "short 1000"])
    #expect(try gestures(both, [100, 100, 100, 100, 100, 100, 100]) == ["double 300", "double 700"])
    #expect(try gestures(GestureSettings(long: .seconds(1)), [100, 100, 100]) == ["short 100", "short 300"])
  }

  @Test func aSecondPressThatIsLongIsNoDouble() throws {
    #expect(try gestures(both, [100, 100, 2000]) == ["short 1000", "long 1000"])
  }

  @Test(arguments: InputSettings.Edges.allCases) func gesturesIgnoreTheWantedEdges(edges: InputSettings.Edges) throws {
    #expect(try gestures(both, [100, 200, 100], edges: edges) == ["double 400"])
  }

  /// RULES.md, case 14.
  @Test func bouncesAreNoPresses() throws {
    let bounces = [1, 1, 1, 1, 1, 1, 100]
    #expect(try gestures(both, bounces, debounce: .milliseconds(20)) == ["short 426"])
  }

  @Test func anEventHasTheUrgencyOfAnEdge() throws {
    let bench = GateBench([.input("button", InputSettings(gestures: GestureSettings()))])
    try bench.backend.inject("button", ["press": "50ms"])
    bench.wait(50)
    #expect(bench.sink.events.map(\.type) == ["input:button", "input:button", "gesture:button"])
    let event = try #require(bench.sink.events.last)
    #expect(event.payload == ["kind": "short"] && event.priority == .high && event.source == "button")
  }

  @Test func aButtonThatGoesAwayMakesNoGesture() throws {
    let bench = GateBench([.input("button", InputSettings(gestures: both))])
    try bench.backend.inject("button", ["active": true])
    bench.wait(100)
    try bench.backend.inject("button", "unplug")
    bench.wait(5000)
    try bench.backend.inject("button", ["active": false])
    try bench.backend.inject("button", "none")
    bench.wait(5000)
    #expect(bench.sink.of("gesture:button").isEmpty)
  }

  /// A late loop sees old edges: their own times count.
  @Test func timesOfEdgesCountOnALateLoop() throws {
    let clock = ManualClock()
    var told: [GestureEvents.Kind] = []
    let gesture = Gesture(both, clock) { told.append($0) }
    func edge(_ isActive: Bool, _ milliseconds: Int) {
      gesture.take(Edge(isActive: isActive, time: Instant(nanoseconds: 0) + .milliseconds(milliseconds), sequence: 0))
    }
    clock.sleep(for: .seconds(10))
    for (isActive, time) in [(true, 0), (false, 900), (true, 2000), (false, 2100), (true, 2500), (false, 2600)] {
      edge(isActive, time)
    }
    #expect(told == [.long, .short])
    clock.advance(by: .seconds(1))
    #expect(told == [.long, .short, .short])
  }
}
