import HAL
import KernelTestKit
import Model

// GPIO lines: how they are found and configured.
extension RingTests {
  static var lines: [RingTest] {
    [
      RingTest("gpio: a chip is found by its label and a line by its name, whatever their numbers") { _ in
        try findsChipsByLabel()
      },
      RingTest("gpio: an active-low input is active while its line is low") { ring in try activeLow(ring) },
      RingTest("gpio: bias, drive, edges and debounce reach the kernel") { ring in try settings(ring) },
      RingTest("gpio: a busy line names its holder") { _ in try busy() },
      RingTest("gpio: a line under two names has one owner") { _ in try aliases() },
      RingTest("gpio: chips with the same label are distinguished by their path") { _ in try identical() },
      RingTest("gpio: a chip that goes and returns is device:lost and device:back") { ring in try comesBack(ring) },
      RingTest("gpio: an output whose chip goes and returns has its lease's level again") { _ in try outputComesBack()
      },
      RingTest("gpio: a chip that is missing at the start is used when it appears") { _ in try comesLate() },
    ]
  }

  /// A board of one input for each label, on the line `SECOND`.
  private static func inputs(_ labels: [String], active: Bool = false) -> Board {
    Board(
      name: "labels", backend: .linux,
      chips: Dictionary(uniqueKeysWithValues: labels.map { ($0, Board.Chip(label: $0)) }),
      devices: labels.map {
        Device(
          id: DeviceID($0), kind: .input(InputSettings()), driver: "gpio",
          options: ["chip": .string($0), "line": "SECOND", "active_low": .bool(active)])
      })
  }

  private static func findsChipsByLabel() throws {
    let labels = ["ring-a", "ring-b", "ring-c"]
    var numbers: [[String]] = []
    for order in [labels, labels.reversed()] {
      var chips: [String: SimulatedChip] = [:]
      defer { for chip in chips.values { try? chip.remove() } }
      for label in order {
        // A different line each time, so that only its name identifies it.
        let lines = order == labels ? ["FIRST", "SECOND"] : ["FIRST", "OTHER", "SECOND"]
        chips[label] = try SimulatedChip.make(label, label: label, lines: lines)
      }
      numbers.append(try labels.map { try chips[$0]?.name ?? "" })
      let stand = try Stand(inputs(labels))
      defer { stand.close() }
      for label in labels {
        try chips[label]?.pull("SECOND", up: true)
        try stand.wait(for: "input:\(label)")
        for other in labels {
          let value = try stand.hardware.latestReading(DeviceID(other), as: Stand.everybody).value
          try expect(value, is: other == label ? 1 : 0, "the input on \(other) while \(label) is pulled up")
        }
        try chips[label]?.pull("SECOND", up: false)
        try stand.wait(for: "input:\(label)", count: 2)
      }
    }
    try expect(numbers[0] != numbers[1], "the chips have not changed their numbers: \(numbers[0])")
  }

  private static func activeLow(_ ring: Ring) throws {
    guard let device = ring.board.device("door") else { throw Skip("the board file has no device 'door'") }
    let (chip, line) = try end(of: device, on: ring.board)
    try chip.pull(line, up: true)
    let stand = try Stand(ring.board, ["door"])
    defer { stand.close() }
    try expect(stand.hardware.latestReading("door", as: Stand.everybody).value, is: 0, "the input while it is high")
    try chip.pull(line, up: false)
    let event = try stand.wait(for: "input:door")
    try expect(event["active"], is: .bool(true), "active")
    try expect(event["edge"], is: .string("rising"), "edge")
    try expect(stand.hardware.latestReading("door", as: Stand.everybody).value, is: 1, "the input while it is low")
    try chip.pull(line, up: true)
    try expect(stand.wait(for: "input:door", count: 2)["active"], is: .bool(false), "active")
  }

  private static func settings(_ ring: Ring) throws {
    func view(_ id: DeviceID) throws -> LineView {
      guard let device = ring.board.device(id) else { throw Skip("the board file has no device '\(id)'") }
      let (chip, line) = try end(of: device, on: ring.board)
      return try LineView(chip: chip.name, line: line)
    }
    let stand = try Stand(ring.board, ["button", "door", "knock", "lamp_sense", "horn", "lamp", "valve"])
    defer { stand.close() }
    let door = try view("door")
    try expect(door.holder, is: "openstarry/door", "holder of the door's line")
    try expect(door.isActiveLow, "the door's line is not active-low")
    try expect(door.bias, is: "pull-up", "bias of the door's line")
    try expect(door.edges, is: "both", "edges of the door's line")
    try expect(try view("lamp_sense").bias, is: "pull-down", "bias of lamp_sense's line")
    let knock = try view("knock")
    try expect(knock.debounce, is: 100_000, "debounce of knock's line in µs")
    // The daemon, not the kernel, selects the edges that become events.
    try expect(knock.edges, is: "both", "edges of knock's line")
    let button = try view("button")
    try expect(button.debounce, is: 0, "debounce of the button's line in µs")
    try expect(button.isActiveLow, is: false, "active-low of the button's line")
    let horn = try view("horn")
    try expect(horn.isOutput, "the horn's line is no output")
    try expect(horn.drive, is: "open-drain", "drive of the horn's line")
    try expect(horn.bias, is: "pull-up", "bias of the horn's line")
    try expect(try view("lamp").drive, is: "push-pull", "drive of the lamp's line")
    try expect(try view("valve").isActiveLow, "the valve's line is not active-low")
    stand.close()
    try expect(try view("door").holder, is: nil, "holder of the door's line afterwards")
  }

  private static func busy() throws {
    let chip = try SimulatedChip.make(
      "ring-busy", label: "ring-busy", lines: ["FIRST", "SECOND"], hogs: ["SECOND": "the kernel itself"])
    defer { try? chip.remove() }
    let stand = try Stand(inputs(["ring-busy"]))
    defer { stand.close() }
    let fault = try stand.wait(for: "device:fault", from: "ring-busy")
    try expect(fault["fault"], is: .string("in use by the kernel itself"), "fault")
    // Two of our own devices: the second one's fault names the first.
    var board = inputs(["ring-busy"])
    board.devices[0].options["line"] = "FIRST"
    let first = try Stand(board)
    defer { first.close() }
    let second = try Stand(board)
    defer { second.close() }
    let told = try second.wait(for: "device:fault", from: "ring-busy")
    try expect(told["fault"], is: .string("in use by openstarry/ring-busy"), "fault")
    // The request is retried, and succeeds once the line is free.
    first.close()
    try second.wait(for: "device:recovered", from: "ring-busy")
    try chip.pull("FIRST", up: true)
    try second.wait(for: "input:ring-busy")
  }

  private static func aliases() throws {
    let chip = try SimulatedChip.make("ring-alias", label: "ring-alias", lines: ["FIRST", "SECOND"])
    defer { try? chip.remove() }
    var board = inputs(["ring-alias"])
    var other = board.devices[0]
    other.id = "number"
    other.options["chip"] = "by-name"
    other.options["line"] = "1"
    board.chips["by-name"] = Board.Chip(label: try chip.name)
    board.devices.append(other)
    let stand = try Stand(board)
    defer { stand.close() }
    let fault = try stand.wait(for: "device:fault", from: "number")
    try expect(fault["fault"], is: .string("in use by openstarry/ring-alias"), "fault")
  }

  private static func identical() throws {
    let chips = try ["ring-same-0", "ring-same-1"].map {
      try SimulatedChip.make($0, label: "ring-same", lines: ["FIRST", "SECOND"])
    }
    defer { for chip in chips { try? chip.remove() } }
    let stand = try Stand(inputs(["ring-same"]))
    defer { stand.close() }
    let fault = try stand.wait(for: "device:fault", from: "ring-same")
    let text = fault["fault"]?.string ?? ""
    let (begin, end) = (
      "its entry in the board file is wrong: 2 GPIO chips labelled 'ring-same' fit: ",
      "; add 'path' to the chip to say which"
    )
    try expect(text.hasPrefix(begin) && text.hasSuffix(end), "fault is '\(text)'")
    for chip in chips {
      var board = inputs(["ring-same"])
      // The device's folder, as listed in the fault.
      board.chips["ring-same"]?.path = try chip.device
      let one = try Stand(board)
      defer { one.close() }
      try chip.pull("SECOND", up: true)
      try expect(try one.wait(for: "input:ring-same")["active"], is: .bool(true), "active")
      try chip.pull("SECOND", up: false)
    }
  }

  private static func comesBack(_ ring: Ring) throws {
    let chip = try SimulatedChip.make("ring-gone", label: "ring-gone", lines: ["FIRST", "SECOND", "THIRD"])
    defer { try? chip.remove() }
    var board = inputs(["ring-gone"])
    board.devices.append(
      Device(
        id: "out", kind: .actuator(ActuatorSettings(safe: 1)), driver: "gpio",
        options: ["chip": "ring-gone", "line": "THIRD"]))
    let stand = try Stand(board)
    defer { stand.close() }
    for round in 1...2 {
      try stand.control("out", .off)
      try expect(try chip.isHigh("THIRD"), is: false, "the output's line")
      try chip.vanish()
      try stand.wait(for: "device:lost", from: "ring-gone", count: round)
      try expect(stand.hardware.device("ring-gone")?.state, is: "gone", "state")
      do {
        try stand.control("out", .on)
        try stand.control("out", .off)
        throw Failure("an output whose chip has gone took a command")
      } catch let error as HALError {
        guard error.isGone else { throw Failure("the command ended with: \(error)") }
      }
      // Create another chip first, so that this one returns under another number.
      let other = try SimulatedChip.make("ring-between", label: "ring-between", lines: ["FIRST"])
      defer { try? other.remove() }
      try chip.appear()
      let back = try stand.wait(for: "device:back", from: "ring-gone", count: round)
      try expect(back["active"], is: .bool(false), "the line when it is back")
      try stand.wait("the output back in its safe state", polling: .milliseconds(10)) { try chip.isHigh("THIRD") }
      try chip.pull("SECOND", up: true)
      try stand.wait(for: "input:ring-gone", count: round)
      try stand.wait("the output taking commands again", polling: .milliseconds(20)) {
        (try? stand.control("out", .off)) != nil
      }
    }
  }

  /// A line that is requested again starts at its safe level, and then returns to the level of its lease.
  private static func outputComesBack() throws {
    let chip = try SimulatedChip.make("ring-relay", label: "ring-relay", lines: ["LAMP", "PUMP"])
    defer { try? chip.remove() }
    func output(_ id: DeviceID, _ line: String, _ settings: ActuatorSettings) -> Device {
      Device(id: id, kind: .actuator(settings), driver: "gpio", options: ["chip": "relay", "line": .string(line)])
    }
    let board = Board(
      name: "relay", backend: .linux, chips: ["relay": Board.Chip(label: "ring-relay")],
      devices: [
        output("lamp", "LAMP", ActuatorSettings(lease: .seconds(60))),
        output("pump", "PUMP", ActuatorSettings(minOff: .milliseconds(1), lease: .seconds(60))),
      ])
    let stand = try Stand(board)
    defer { stand.close() }
    stand.turn(for: .milliseconds(2))
    try stand.control("lamp", .on)
    try stand.control("pump", .on)
    try chip.vanish()
    let lost = try stand.wait(for: "device:lost", from: "lamp")
    try stand.wait(for: "device:lost", from: "pump")
    try expect(lost["reason"]?.string?.isEmpty, is: false, "the reason")
    try expect(stand.hardware.device("lamp")?.state, is: "gone", "state")
    stand.hardware.confirm(within: .zero) { _ in }
    try expect(stand.hardware.unsafeActuators, is: ["lamp", "pump"], "what is not safe")
    try chip.appear()
    try stand.wait(for: "device:back", from: "lamp")
    try stand.wait(for: "device:back", from: "pump")
    try expect(try chip.isHigh("LAMP"), is: true, "the lamp, whose lease goes on")
    try expect(stand.hardware.device("lamp")?.holder, is: "client/ring", "holder of the lamp")
    try expect(try chip.isHigh("PUMP"), is: false, "the pump, which has to rest")
    try expect(stand.hardware.device("pump")?.holder, is: nil, "holder of the pump")
    try expect(stand.events("device:fault").count, is: 0, "faults")
  }

  private static func comesLate() throws {
    let chip = try SimulatedChip.make("ring-late", label: "ring-late", lines: ["FIRST", "SECOND"])
    defer { try? chip.remove() }
    try chip.vanish()
    let stand = try Stand(inputs(["ring-late"]))
    defer { stand.close() }
    try stand.wait(for: "device:lost", from: "ring-late")
    try chip.appear()
    try stand.wait(for: "device:back", from: "ring-late")
    try chip.pull("SECOND", up: true)
    try expect(stand.wait(for: "input:ring-late")["sequence"], is: .int(1), "sequence")
  }
}
