import HAL
import HALTestKit
import Model
import Testing

@Suite struct InputTests {
  let ann = Principal.named("agent/ann")

  @Test func edgesAreEvents() throws {
    let bench = GateBench([
      .input("door", script: [["after": "2s", "active": true], ["after": "1s", "active": false]])
    ])
    bench.wait(2000)
    let opened = bench.clock.now
    bench.wait(1000)
    let events = bench.sink.of("input:door")
    #expect(events.count == 2)
    #expect(events[0].priority == .high && events[0].source == "door" && events[0].cause == nil)
    #expect(
      events[0].payload == [
        "active": true, "edge": "rising", "initial": false, "sequence": 1,
        "kernel_ns": .int(Int64(opened.nanoseconds)),
      ])
    #expect(events[1]["edge"] == "falling" && events[1]["sequence"] == 2)
  }

  @Test(arguments: [(InputSettings.Edges.rising, [true, true]), (.falling, [false, false])])
  func onlyWantedEdgesAreEvents(edges: InputSettings.Edges, expected: [Bool]) throws {
    let bench = GateBench([.input("door", InputSettings(edges: edges))])
    for active in [true, false, true, false] { try bench.backend.inject("door", ["active": .bool(active)]) }
    #expect(bench.sink.of("input:door").map { $0["active"]?.bool } == expected)
  }

  @Test(arguments: InputSettings.Edges.allCases)
  func theLevelFollowsEveryEdge(edges: InputSettings.Edges) throws {
    let bench = GateBench([.input("door", InputSettings(edges: edges))])
    for active in [true, false, true] {
      try bench.backend.inject("door", ["active": .bool(active)])
      #expect(try bench.hardware.latestReading("door", as: ann).value == (active ? 1 : 0))
    }
  }

  /// Regardless of `edges`: no edge led to the initial level.
  @Test(arguments: InputSettings.Edges.allCases, [true, false])
  func theLevelAtTheStartIsAnEvent(edges: InputSettings.Edges, isWet: Bool) throws {
    let bench = GateBench([
      .input("leak", InputSettings(edges: edges), script: isWet ? [["after": "0s", "active": true]] : [])
    ])
    bench.wait(1)
    bench.sink.clear()
    bench.hardware.announceInputs()
    let event = try #require(bench.sink.of("input:leak").first)
    #expect(bench.sink.events.count == 1 && event.priority == .high && event.cause == nil)
    #expect(
      event.payload == [
        "active": .bool(isWet), "edge": "none", "initial": true, "sequence": 0,
        "kernel_ns": .int(Int64(bench.clock.now.nanoseconds)),
      ])
  }

  @Test func aReturningInputPublishesItsLevel() throws {
    let bench = GateBench([.input("leak")])
    bench.hardware.announceInputs()
    try bench.backend.inject("leak", "unplug")
    try bench.backend.inject("leak", ["active": true])
    bench.sink.clear()
    try bench.backend.inject("leak", "none")
    #expect(bench.sink.events.map(\.type) == ["device:back", "input:leak"])
    #expect(bench.sink.events.last?["active"] == true && bench.sink.events.last?["initial"] == true)
  }

  @Test func anInputAbsentAtTheStartPublishesItsLevelOnArrival() throws {
    let bench = GateBench([.input("leak")])
    try bench.backend.inject("leak", "unplug")
    bench.sink.clear()
    bench.hardware.announceInputs()
    #expect(bench.sink.events.isEmpty)
    try bench.backend.inject("leak", "none")
    #expect(bench.sink.of("input:leak").map { $0["initial"] } == [true])
  }

  @Test func aLevelCanBeRead() throws {
    let bench = GateBench([.input("door")])
    #expect(try bench.hardware.latestReading("door", as: ann).value == 0)
    try bench.backend.inject("door", ["press": "300ms"])
    #expect(try bench.hardware.latestReading("door", as: ann).value == 1)
    #expect(bench.hardware.device("door")?.state == "active")
    bench.wait(300)
    var value = -1.0
    bench.hardware.getSensorData("door", as: ann) { if case .success(let reading) = $0 { value = reading.value } }
    #expect(value == 0)
  }

  @Test func anInputGoesAndComesBack() throws {
    let bench = GateBench([.input("door")])
    try bench.backend.inject("door", "unplug")
    let error = failure { () throws(HALError) in try bench.hardware.latestReading("door", as: ann) }
    #expect(error == .failed("door", operation: "reach", .absent("it is unplugged")))
    let shown = try #require(bench.hardware.device("door"))
    #expect(shown.state == "gone" && shown.fault == "it is unplugged")
    #expect(bench.sink.of("device:lost").first?["reason"] == "it is unplugged")
    try bench.backend.inject("door", ["active": true])
    try bench.backend.inject("door", "none")
    #expect(bench.sink.events.map(\.type) == ["device:lost", "device:back"])
    #expect(bench.sink.events[1]["active"] == true && bench.hardware.device("door")?.fault == nil)
  }

  @Test func lostEdgesAreAnOverrun() {
    let clock = ManualClock()
    let sink = RecordingSink(clock: clock)
    let backend = Line()
    let board = Board(name: "b", backend: .linux, devices: [.input("door")])
    let hardware = Hardware(board: board, backend: backend, clock: clock, events: sink)
    hardware.open()
    backend.input.onChange?(.lost(7))
    #expect(sink.of("device:overrun").map { $0["lost"] } == [7])
    hardware.close()
    #expect(backend.input.onChange == nil)
  }
}

private final class Line: Backend {
  final class Input: InputDriver {
    var isActive: Bool? { false }
    var onChange: ((InputChange) -> Void)?
    func start(_ onChange: @escaping (InputChange) -> Void) throws(HALError.Fault) { self.onChange = onChange }
    func stop() { onChange = nil }
  }

  let input = Input()
  func open(_ device: Device) throws(HALError) -> OpenDevice { .input(input) }
  func close() {}
}
