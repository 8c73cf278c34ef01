import Config
import HAL
import HALLinux
import KernelTestKit
import Model

// A board and its simulated twin: the same stimuli give rules the same events.
extension RingTests {
  static var twins: [RingTest] {
    [
      RingTest("twin: the same presses are the same events as on a simulated board") { _ in
        try compare(["button", "knock", "door"], presses)
      },
      RingTest("twin: the same measurements are the same events as on a simulated board") { _ in
        try compare(["temp"], measurements)
      },
      RingTest("twin: rules do the same as on a simulated board") { _ in
        try compare(["button", "door", "temp", "lamp", "pump"], everything)
      },
    ]
  }

  private static let board = """
    name: twin
    backend: linux
    clock: any
    chips:
      panel: { label: openstarry-panel }
      relays: { label: openstarry-relays }
    buses:
      sensors: { adapter: openstarry i2c-sim }
    devices:
      button: { kind: input, driver: gpio, chip: panel, line: BUTTON, gestures: { long: 1s, double: 700ms } }
      knock: { kind: input, driver: gpio, chip: panel, line: KNOCK, edges: rising, debounce: 150ms }
      door: { kind: input, driver: gpio, chip: panel, line: DOOR, active_low: true, bias: pull-up, stuck: 1s }
      temp:
        kind: sensor
        driver: tmp102
        bus: sensors
        address: 0x48
        every: 100ms
        deadband: 0.5
        stale: 1500ms
        filter: { range: [-30, 60] }
      lamp: { kind: actuator, driver: gpio, chip: relays, line: LAMP, lease: 500ms }
      pump: { kind: actuator, driver: gpio, chip: relays, line: PUMP, max_on: 1s, min_off: 500ms }
    """

  private static let rules = """
    vars: { presses: 0 }
    rules:
      - { id: cold, when: "sensor('temp') < 20.0", until: "sensor('temp') > 22.0", keep: { pump: on }, at_most: 10m }
      - { id: light, while: "input('door')", linger: 500ms, keep: { lamp: on }, end: "emit(light:out)" }
      - { id: count, on: "input:button", if: "active && !initial", action: "set(presses, vars.presses + 1)" }
      - { id: twice, on: "gesture:button", if: "kind == 'double'", action: "emit(button:twice)" }
      - { id: silent, while: "!reading('temp').good", action: "emit(temp:silent)", end: "emit(temp:heard)" }
    """

  /// What happens to the devices; each step is followed by a pause.
  private enum Step {
    case input(DeviceID, Bool)
    case measured(Double)
    /// The sensor does not answer, or does again.
    case silent(Bool)
  }

  private typealias Script = [(step: Step, pause: Duration)]

  private static let short = Duration.milliseconds(100)
  private static let long = Duration.milliseconds(1500)

  private static func press(_ id: DeviceID, _ length: Duration, then pause: Duration) -> Script {
    [(.input(id, true), length), (.input(id, false), pause)]
  }

  private static var presses: Script {
    press("button", short, then: long) + press("button", short, then: short) + press("button", short, then: long)
      + press("button", long, then: long)
      // A bounce that is shorter than the debounce time, a press that bounces, and one that is long enough.
      + press("knock", .milliseconds(20), then: .milliseconds(400))
      + press("knock", .milliseconds(20), then: .milliseconds(20)) + press("knock", .milliseconds(500), then: long)
      // Long enough to count as stuck.
      + press("door", .seconds(2), then: short)
  }

  private static var measurements: Script {
    [
      (.measured(21), .milliseconds(500)), (.measured(21.25), .milliseconds(500)), (.measured(22), .milliseconds(500)),
      // Outside `range`: suspect.
      (.measured(85), .milliseconds(500)), (.measured(22), .milliseconds(500)),
      (.silent(true), .seconds(3)), (.silent(false), .seconds(2)), (.measured(-10), .milliseconds(500)),
    ]
  }

  private static var everything: Script {
    [(.measured(21), .milliseconds(500)), (.measured(19), .seconds(4)), (.measured(23), .seconds(1))]
      + press("door", .milliseconds(700), then: .seconds(2)) + press("button", short, then: short)
      + press("button", short, then: long) + [(.silent(true), .seconds(3)), (.silent(false), .seconds(2))]
  }

  /// Plays a script to the kernel's devices and to their simulated twins, and compares what rules see.
  private static func compare(_ devices: [DeviceID], _ script: Script) throws {
    let board = try ConfigText.board(Array(Self.board.utf8), file: "twin.yaml").0
    let real = try play(script, board, devices, simulates: false)
    let simulated = try play(script, board, devices, simulates: true)
    for source in Set(real.keys).union(simulated.keys).sorted() {
      try expect(simulated[source] ?? [], is: real[source] ?? [], "events of \(source), simulated")
    }
  }

  /// - Returns: the events of each source, in order.
  private static func play(
    _ script: Script, _ board: Board, _ devices: [DeviceID], simulates: Bool
  ) throws -> [String: [String]] {
    let chip = try SimulatedBus().chip(0x48)
    try chip.heal()
    // What `--simulate` begins with.
    try chip.hold(words: [register(SimulatedBoard.start("°C"))])
    var lines: [DeviceID: (chip: SimulatedChip, line: String, activeLow: Bool)] = [:]
    for device in board.devices {
      guard case .input = device.kind else { continue }
      let (chip, line) = try end(of: device, on: board)
      let activeLow = device.options["active_low"]?.bool ?? false
      lines[device.id] = (chip, line, activeLow)
      try chip.pull(line, up: activeLow)
    }
    let named = devices.contains("lamp") ? rules : "rules: []"
    let bench = try AgentStand(board, devices, agents: [], types: [], rules: named, simulates: simulates)
    defer { bench.close() }
    let stand = bench.stand
    func inject(_ device: DeviceID, _ change: Value) throws {
      guard let control = stand.backend as? any SimulationControl else { throw Failure("nothing is simulated") }
      try control.inject(device, change)
    }
    stand.turn(for: .seconds(1))
    for (step, pause) in script {
      switch (step, simulates) {
      case (.input(let id, let isActive), true): try inject(id, ["active": .bool(isActive)])
      case (.input(let id, let isActive), false):
        guard let (chip, line, activeLow) = lines[id] else { throw Failure("no line of \(id)") }
        try chip.pull(line, up: isActive != activeLow)
      case (.measured(let value), true): try inject("temp", ["value": .double(value)])
      case (.measured(let value), false): try chip.hold(words: [register(value)])
      case (.silent(let isSilent), true): try inject("temp", ["fault": isSilent ? "nack" : "none"])
      case (.silent(true), false): try chip.fail(-1, errno: 6)
      case (.silent(false), false): try chip.heal()
      }
      stand.turn(for: pause)
    }
    return Dictionary(grouping: stand.events.filter { !$0.type.hasPrefix("system:") }, by: \.source)
      .mapValues { $0.map(shown) }
  }

  /// The TMP102's register of a temperature: sixteenths of a degree in the upper twelve bits (data sheet, table 9).
  private static func register(_ celsius: Double) -> UInt16 { UInt16(bitPattern: Int16(celsius * 16)) << 4 }

  /// An event without what depends on the moment.
  private static func shown(_ event: Event) -> String {
    let fields = event.payload.filter { !["kernel_ns", "lease_ms", "held_ms", "took_ms", "since"].contains($0.key) }
    return "\(event.type) " + fields.map { "\($0.key)=\($0.value.text())" }.joined(separator: " ")
  }
}
