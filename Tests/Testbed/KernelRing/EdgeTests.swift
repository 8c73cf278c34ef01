import HAL
import KernelTestKit
import Linux
import Model

// Edges: timestamps, counts, and overruns.
extension RingTests {
  static var edges: [RingTest] {
    [
      RingTest("edges: each has the kernel's time and the next number") { ring in try timesAndNumbers(ring) },
      RingTest("edges: bounces within the debounce time are one press") { ring in try debounce(ring) },
      RingTest("edges: a stop button stops, whichever of its edges are events") { ring in try stopButton(ring) },
      RingTest("edges: the level at the start, and after the chip's return, is an event") { _ in
        try levels()
      },
      RingTest("edges: edges dropped by the kernel are reported as lost, including the first ones") { ring in
        try lost(ring)
      },
      RingTest("edges: every one of a long run is accounted for") { ring in try many(ring) },
    ]
  }

  /// The shortest time between two edges: gpio-sim masks a line while the consumer's interrupt thread runs, and loses
  /// changes meanwhile.
  static let pace = Duration.milliseconds(10)

  private static func button(_ ring: Ring, _ id: DeviceID) throws -> (chip: SimulatedChip, line: String) {
    guard let device = ring.board.device(id) else { throw Skip("the board file has no device '\(id)'") }
    let found = try end(of: device, on: ring.board)
    try found.chip.pull(found.line, up: false)
    return found
  }

  private static func timesAndNumbers(_ ring: Ring) throws {
    let (chip, line) = try button(ring, "button")
    let stand = try Stand(ring.board, ["button"])
    defer { stand.close() }
    for number in 1...10 {
      let before = System.monotonicNanoseconds()
      try chip.pull(line, up: number % 2 == 1)
      let event = try stand.wait(for: "input:button", count: number)
      let after = System.monotonicNanoseconds()
      try expect(event["sequence"], is: .int(Int64(number)), "sequence")
      try expect(event["active"], is: .bool(number % 2 == 1), "active")
      let time = UInt64(clamping: event["kernel_ns"]?.int ?? 0)
      try expect(before <= time && time <= after, "kernel_ns is \(time), not within \(before) to \(after)")
      try expect(time <= event.monotonic, "the event at \(event.monotonic) is before its edge at \(time)")
      stand.turn(for: pace)
    }
    try expect(stand.events("device:overrun"), is: [], "lost edges")
  }

  private static func debounce(_ ring: Ring) throws {
    let (chip, line) = try button(ring, "knock")
    let stand = try Stand(ring.board, ["knock"])
    defer { stand.close() }
    for press in 1...3 {
      for bounce in 0..<7 {
        try chip.pull(line, up: bounce % 2 == 0)
        stand.turn(for: pace)
      }
      try stand.wait(for: "input:knock", count: press)
      // Release with bounce; only rising edges are requested.
      for bounce in 0..<5 {
        try chip.pull(line, up: bounce % 2 == 1)
        stand.turn(for: pace)
      }
      try stand.wait("the line debounced to low", polling: pace) {
        try stand.hardware.latestReading("knock", as: Stand.everybody).value == 0
      }
      stand.turn(for: .milliseconds(150))
      try expect(stand.events("input:knock").count, is: press, "presses")
    }
  }

  private static func stopButton(_ ring: Ring) throws {
    for (edges, debounce) in [
      (InputSettings.Edges.falling, Duration.zero), (.falling, .milliseconds(30)), (.rising, .zero), (.both, .zero),
    ] {
      let (chip, line) = try button(ring, "button")
      let stand = try Stand(ring.board, ["button", "lamp"]) { device in
        guard case .input = device.kind else { return }
        device.kind = .input(InputSettings(edges: edges, debounce: debounce, emergencyStop: true))
        device.options["active_low"] = true
      }
      defer { stand.close() }
      // Active-low and pulled down: it is pressed when the board starts.
      try expect(stand.hardware.emergencyStop?.by, is: "button", "who stopped everything at the start")
      try chip.pull(line, up: true)
      try stand.wait("the button let go", polling: pace) {
        try stand.hardware.latestReading("button", as: Stand.everybody).value == 0
      }
      try expect(try stand.hardware.clearEmergencyStop(by: "client/ring"), "the stop was not in force")
      try stand.control("lamp", .on)
      stand.turn(for: pace)
      try chip.pull(line, up: false)
      let stop = try stand.wait(for: "system:emergency_stop", count: 2)
      try expect(stop["reason"], is: .string("it became active"), "reason with edges \(edges)")
      try expect(stand.hardware.unsafeActuators, is: [], "actuators that are not safe")
      let wanted = [false, true].filter { edges == .both || $0 == (edges == .rising) }
      try stand.wait("the events of edges \(edges)", polling: pace) {
        stand.events("input:button").compactMap { $0["active"]?.bool } == wanted
      }
      stand.close()
    }
  }

  private static func levels() throws {
    let chip = try SimulatedChip.make("ring-level", label: "ring-level", lines: ["LEAK"])
    defer { try? chip.remove() }
    try chip.pull("LEAK", up: true)
    let board = Board(
      name: "level", backend: .linux, chips: ["level": Board.Chip(label: "ring-level")],
      devices: [
        Device(
          id: "leak", kind: .input(InputSettings(edges: .falling)), driver: "gpio",
          options: ["chip": "level", "line": "LEAK"])
      ])
    let stand = try Stand(board)
    defer { stand.close() }
    stand.hardware.announceInputs()
    let first = try stand.wait(for: "input:leak")
    try expect(first["active"], is: .bool(true), "active at the start")
    try expect(first["initial"], is: .bool(true), "initial at the start")
    try chip.vanish()
    try stand.wait(for: "device:lost", from: "leak")
    try chip.appear()
    try stand.wait(for: "device:back", from: "leak")
    let second = try stand.wait(for: "input:leak", count: 2)
    try expect(second["initial"], is: .bool(true), "initial after it was away")
    try chip.pull("LEAK", up: true)
    stand.turn(for: pace)
    try chip.pull("LEAK", up: false)
    try expect(try stand.wait(for: "input:leak", count: 3)["initial"], is: .bool(false), "initial of an edge")
  }

  private static func lost(_ ring: Ring) throws {
    let (chip, line) = try button(ring, "button")
    let stand = try Stand(ring.board, ["button"])
    defer { stand.close() }
    var sent = 0
    for burst in 1...2 {
      // The loop is busy: the kernel buffers 16 edges of a line, and drops the oldest (gpiolib-cdev.c).
      for _ in 0..<40 {
        sent += 1
        try chip.pull(line, up: sent % 2 == 1)
        Pause.wait(nanoseconds: UInt64(pace.nanoseconds))
      }
      let last = Int64(sent)
      try stand.wait("edge \(last)") { stand.events.last { $0.type == "input:button" }?["sequence"] == .int(last) }
      let lost = stand.events("device:overrun").compactMap { $0["lost"]?.int }.reduce(0, +)
      let seen = stand.events("input:button").count
      try expect(seen, is: 16 * burst, "edges seen in \(burst) bursts of 40")
      try expect(Int(lost) + seen, is: sent, "edges lost and seen")
    }
  }

  private static func many(_ ring: Ring) throws {
    let names = (0..<8).map { "RUSH\($0)" }
    let chip = try SimulatedChip.make("ring-rush", label: "ring-rush", lines: names)
    defer { try? chip.remove() }
    let board = Board(
      name: "rush", backend: .linux, chips: ["rush": Board.Chip(label: "ring-rush")],
      devices: names.map {
        Device(
          id: DeviceID($0), kind: .input(InputSettings()), driver: "gpio",
          options: ["chip": "rush", "line": .string($0)])
      })
    let stand = try Stand(board)
    defer { stand.close() }
    var rush = EdgeRush(stand: stand, chip: chip, names: names)
    try rush.run(for: .seconds(ring.edgeSeconds))
    ring.note("\(rush.sent) edges on \(names.count) lines in \(rush.seconds.text) s: \(rush.rate.text) a second")
    ring.note("from the kernel's timestamp to the event: \(LatencyDistribution(rush.delays).text)")
  }
}

/// Sends edges on several lines, each once the line's last edge has arrived and the simulator is ready for the next.
struct EdgeRush {
  let stand: Stand
  let chip: SimulatedChip
  let names: [String]
  /// The number of sent edges, all of which have arrived.
  private(set) var sent = 0
  private(set) var seconds = 0.0
  /// The latency from each edge's timestamp to its event, in nanoseconds.
  private(set) var delays: [UInt64] = []

  init(stand: Stand, chip: SimulatedChip, names: [String]) {
    self.stand = stand
    self.chip = chip
    self.names = names
  }

  var rate: Double { Double(sent) / seconds }

  private struct Line {
    var sent: Int64 = 0
    var seen: Int64 = 0
    /// The earliest time at which the simulator accepts another edge.
    var ready = Instant(nanoseconds: 0)
    var deadline = Instant(nanoseconds: 0)
  }

  mutating func run(for time: Duration) throws {
    var lines = names.map { _ in Line() }
    let numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ("input:\($1)", $0) })
    var seen = stand.events.count
    let start = stand.loop.now
    let end = start + time
    while stand.loop.now < end || lines.contains(where: { $0.seen < $0.sent }) {
      var next = Instant(nanoseconds: .max)
      for (index, name) in names.enumerated() {
        let now = stand.loop.now
        guard lines[index].seen == lines[index].sent else {
          try expect(now < lines[index].deadline, "edge \(lines[index].sent) on \(name) has not come")
          continue
        }
        if now >= lines[index].ready, now < end {
          lines[index].sent += 1
          lines[index].deadline = now + .seconds(10)
          sent += 1
          try chip.pull(name, up: lines[index].sent % 2 == 1)
        } else {
          next = min(next, lines[index].ready)
        }
      }
      let timer = stand.loop.schedule(at: min(next, stand.loop.now + .milliseconds(100))) {}
      stand.loop.turn(wait: true)
      stand.loop.cancel(timer)
      for event in stand.events[seen...] {
        guard let index = numbers[event.type] else { throw Failure("\(event.type) among the edges: \(event.payload)") }
        lines[index].seen += 1
        try expect(event["sequence"]?.int, is: lines[index].sent, "sequence of \(event.type)")
        try expect(event["active"], is: .bool(lines[index].sent % 2 == 1), "level of \(event.type)")
        lines[index].ready = stand.loop.now + RingTests.pace
        delays.append(event.monotonic - UInt64(clamping: event["kernel_ns"]?.int ?? 0))
      }
      seen = stand.events.count
    }
    seconds = (stand.loop.now - start).seconds
  }
}
