import CLinux
import Glibc
import GuardianClient
import GuardianTestKit
import HAL
import KernelTestKit
import Linux
import Model

// A process with the board's outputs is killed, and its guardian observed from the outside. Lines are pulled against
// their safe level, so a released line differs from a driven one.
extension RingTests {
  static var guardian: [RingTest] {
    [
      RingTest("guardian: SIGKILL makes every output safe") { ring in try killedDaemon(ring) },
      RingTest("guardian: SIGKILL to the safe line") { ring in
        let times = try GuardianBenchmark(board: ring.board).kills(20)
        ring.note(LatencyDistribution(times).text)
      },
      RingTest("guardian: a held line stays driven through SIGKILL and the next start") { ring in try hold(ring) },
      RingTest("guardian: lines of a killed process are driven by the next one") { ring in try takeOver(ring) },
      RingTest("guardian: a killed guardian is replaced") { ring in try killedGuardian(ring) },
      RingTest("guardian: a chip that refuses at the exit is left to the guardian") { ring in try leftChip(ring) },
    ]
  }

  private static func line(_ ring: Ring, _ id: DeviceID) throws -> (chip: SimulatedChip, line: String) {
    guard let device = ring.board.device(id) else { throw Skip("the board file has no device '\(id)'") }
    return try end(of: device, on: ring.board)
  }

  private static func killedDaemon(_ ring: Ring) throws {
    let bench = try GuardianBenchmark(board: ring.board)
    let (lamp, valve, horn) = (try line(ring, "lamp"), try line(ring, "valve"), try line(ring, "horn"))
    func heater() throws -> PWMView { try PWMView(device: "pwm-sim", channel: 0) }
    func cooler() throws -> PWMView { try PWMView(device: "pwm-sim", channel: 1) }
    _ = try heater()
    let servo = try SimulatedBus().chip(0x40)
    try lamp.chip.pull(lamp.line, up: true)
    defer { try? lamp.chip.pull(lamp.line, up: false) }
    let ward = try bench.ward(["lamp=1", "valve=1", "horn=1", "heater=0.25", "cooler=0.5", "servo=0.5", "dimmer=1"])
    try expect(try lamp.chip.isHigh(lamp.line), is: true, "the lamp's line, on")
    try expect(try valve.chip.isHigh(valve.line), is: false, "the active-low valve's line, on")
    defer { ward.relieve() }
    try expect(try servo.contents(0x06, 4), is: [0, 0, 0x00, 0x08], "the servo's registers, on")
    let time = try ward.kill {
      let isOff = try servo.contents(0x06, 4) == [0, 0, 0, 0x10] && servo.contents(0x42, 4) == [0, 0, 0, 0x10]
      return try isOff && !lamp.chip.isHigh(lamp.line)
    }
    guard let time else { throw Failure("not everything is safe within five seconds of SIGKILL") }
    ring.note("all outputs safe, two channels on I²C among them, \(time / 1000) µs after SIGKILL")
    try expect(try horn.chip.isHigh(horn.line), is: false, "the horn's line")
    let view = try LineView(chip: try valve.chip.name, line: valve.line)
    try expect(view.isOutput, is: false, "whether the valve, on_exit: input, is an output")
    try expect(view.holder, is: "openstarry/valve", "who has the valve's line")
    try expect(try heater().isOn && heater().duty == 5_000_000, "the heater, on_exit: hold, is not held")
    try expect(try cooler().isOn, is: false, "the cooler, on_exit: input")
    ward.relieve()
    try expect(try heater().duty, is: 0, "the heater's duty when nobody holds it any more")
    try expect(try LineView(chip: try lamp.chip.name, line: lamp.line).holder, is: nil, "who has the lamp's line")
  }

  private static func takeOver(_ ring: Ring) throws {
    let bench = try GuardianBenchmark(board: ring.board)
    let (lamp, valve) = (try line(ring, "lamp"), try line(ring, "valve"))
    // In the safe state; then away from it; then with the next daemon, after the valve had become an input.
    for commands in [["lamp=1", "valve=1"], [], ["lamp=1", "valve=1"]] {
      let ward = try bench.ward(commands)
      let isOn = !commands.isEmpty
      try expect(try lamp.chip.isHigh(lamp.line), is: isOn, "the lamp's line")
      try expect(try valve.chip.isHigh(valve.line), is: !isOn, "the active-low valve's line")
      let view = try LineView(chip: try valve.chip.name, line: valve.line)
      try expect(view.isOutput && view.isActiveLow, "the valve's line is no active-low output")
      ward.kill()
    }
    GuardianLink.relieve(beside: GuardianBenchmark.socket)
  }

  private static func hold(_ ring: Ring) throws {
    let bench = try GuardianBenchmark(board: ring.board)
    let vent = try line(ring, "vent")
    try vent.chip.pull(vent.line, up: true)
    defer { try? vent.chip.pull(vent.line, up: false) }
    let trace = LineTrace()
    for round in 1...3 {
      let first = try bench.ward(["vent=0:30"])
      try expect(try vent.chip.isHigh(vent.line), is: false, "the vent's line, held low against its pull")
      try trace?.begin()
      first.kill()
      try expect(try vent.chip.isHigh(vent.line), is: false, "the vent's line after SIGKILL")
      let second = try bench.ward([])
      try expect(second.holds, is: ["vent 0.0 agent/ward"], "what the next one holds")
      try expect(try vent.chip.isHigh(vent.line), is: false, "the vent's line with the next one")
      if let lines = try trace?.end() {
        let number = try trace!.number(of: vent.line, on: vent.chip)
        let changes = lines.filter { $0.holds(" \(number) ") && !$0.holds(" get ") }
        for change in changes {
          try expect(
            change.holds("gpio_value: \(number) set 0"), "the vent's line was touched: \(change)")
        }
        if round == 1 { ring.note("writes to the held line until the next one was ready: \(changes.count), all to 0") }
      }
      try expect(try second.end(), is: 0, "exit code")
    }
    if trace == nil { ring.note("the kernel's trace is not available: only levels were checked") }
  }

  private static func leftChip(_ ring: Ring) throws {
    let bench = try GuardianBenchmark(board: ring.board)
    let lamp = try line(ring, "lamp")
    let chip = try SimulatedBus().chip(0x40)
    let off: [UInt8] = [0, 0, 0, 0x10]
    let ward = try bench.ward(["servo=0.5", "lamp=1"])
    try expect(try chip.contents(0x06, 4), is: [0, 0, 0x00, 0x08], "the servo's registers, on")
    try chip.fail(-1, errno: ENXIO)
    defer { try? chip.heal() }
    try expect(try ward.end(), is: 0, "exit code")
    try expect(try chip.contents(0x06, 4), is: [0, 0, 0x00, 0x08], "the servo's registers when it refuses")
    // It has released the safe outputs, and waits only for the chip.
    try expect(try LineView(chip: try lamp.chip.name, line: lamp.line).holder, is: nil, "who has the lamp's line")
    guard case .guardian(let refusing) = GuardianLink.heir(beside: GuardianBenchmark.socket) else {
      throw Failure("no guardian is left")
    }
    // The dimmer, which was off, is on the same chip: it was commanded last, and has not confirmed.
    try expect(refusing.map(\.device), is: ["servo", "dimmer"], "what is not safe")
    try expect(refusing.allSatisfy(\.isTriedAgain), is: true, "whether all of it is tried again")
    try chip.heal()
    let begin = System.monotonicNanoseconds()
    func left() -> Bool {
      if case .nobody = GuardianLink.heir(beside: GuardianBenchmark.socket) { false } else { true }
    }
    while left(), System.monotonicNanoseconds() - begin < 20_000_000_000 { Pause.wait(nanoseconds: 5_000_000) }
    try expect(left(), is: false, "whether the guardian is still there")
    try expect(try chip.contents(0x06, 4), is: off, "the servo's registers")
    ring.note(
      "the guardian made it safe and ended within \((System.monotonicNanoseconds() - begin) / 1_000_000) ms")
  }

  private static func killedGuardian(_ ring: Ring) throws {
    let bench = try GuardianBenchmark(board: ring.board)
    let lamp = try line(ring, "lamp")
    try lamp.chip.pull(lamp.line, up: true)
    defer { try? lamp.chip.pull(lamp.line, up: false) }
    let ward = try bench.ward(["lamp=1:30"])
    kill(ward.guardian, SIGKILL)
    try ward.wait { $0.hasPrefix("event system:guardian_back") }
    try expect(try lamp.chip.isHigh(lamp.line), is: true, "the lamp's line without the first guardian")
    guard try ward.kill(until: { try !lamp.chip.isHigh(lamp.line) }) != nil else {
      throw Failure("the second guardian does nothing")
    }
    ward.relieve()
  }
}

/// Kills processes that hold a line, and measures the time until the line is safe.
struct GuardianBenchmark {
  static let socket = "/tmp/kernel-ring.sock"
  private let board: Board
  private let program: String

  init(board: Board) throws {
    self.board = board
    guard let program = GuardianProgram.find() else { throw Skip("\(GuardianProgram.name) is not beside the ring") }
    self.program = program
  }

  /// A process of this program with the board's outputs.
  func ward(_ commands: [String]) throws -> WardProcess {
    try WardProcess(
      try Files.resolve("/proc/self/exe"), ["--ward"], board: board.file, socket: Self.socket,
      guardian: program, commands)
  }

  /// Measures and prints.
  func run(_ rounds: Int) throws {
    let times = LatencyDistribution(try kills(rounds))
    say("\nguardian: SIGKILL of the daemon → its line safe, \(rounds) times: \(times.text)")
    for bar in times.bars { say(bar) }
    let ward = try ward([])
    if let rollup = try? KernelFile.text("/proc/\(ward.guardian)/smaps_rollup") {
      for line in rollup.split(separator: "\n") where line.hasPrefix("Pss:") || line.hasPrefix("Private_Dirty:") {
        say("guardian: \(line)")
      }
    }
    ward.kill()
    ward.relieve()
  }

  /// - Returns: the time from SIGKILL to the guardian's last ioctl, in nanoseconds; the line is then low against its
  ///   pull.
  func kills(_ rounds: Int) throws -> [UInt64] {
    guard let device = board.device("lamp") else { throw Skip("the board file has no device 'lamp'") }
    let (chip, line) = try end(of: device, on: board)
    try chip.pull(line, up: true)
    defer { try? chip.pull(line, up: false) }
    return try (0..<rounds).map { _ in
      let ward = try ward(["lamp=1"])
      guard let time = try ward.timeOfKill({ try !chip.isHigh(line) }) else { throw Failure("the line is not safe") }
      return time
    }
  }
}

/// The kernel's trace of writes to lines (include/trace/events/gpio.h).
private struct LineTrace {
  private let folder: String

  /// nil if the kernel has no trace.
  init?() {
    let folders = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"]
    guard let folder = folders.first(where: { Files.exists("\($0)/events/gpio/enable") }) else { return nil }
    self.folder = folder
  }

  func begin() throws {
    try KernelFile.write("\(folder)/trace", " ")
    try KernelFile.write("\(folder)/events/gpio/enable", "1")
  }

  func end() throws -> [Substring] {
    try KernelFile.write("\(folder)/events/gpio/enable", "0")
    return try KernelFile.text("\(folder)/trace").split(separator: "\n").filter { $0.holds("gpio_") }
  }

  /// The number of a line in the trace.
  func number(of line: String, on chip: SimulatedChip) throws -> Int {
    let text = try KernelFile.text("/sys/kernel/debug/gpio")
    // gpiochip2: GPIOs 512-517, parent: …, then ` gpio-515 (VENT  |…`.
    for entry in text.split(separator: "\n") where entry.holds("(\(line) ") {
      let digits = entry.drop { !$0.isNumber }.prefix { $0.isNumber }
      if let number = Int(digits) { return number }
    }
    throw Failure("/sys/kernel/debug/gpio has no line '\(line)' (\(chip.label))")
  }
}
