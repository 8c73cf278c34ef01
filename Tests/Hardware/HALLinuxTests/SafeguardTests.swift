import EventLoop
import Guardian
import HAL
import Model
import TestKit
import Testing

@testable import HALLinux

/// The steps that outputs of a Linux board register with the guardian.
@Suite struct SafeguardTests {
  private final class RecordingGuard: OutputGuardian {
    struct Entry {
      var identity: String
      var steps: [GuardianStep]
      var lapse: [GuardianStep]?
      var descriptors: Int
    }
    var entries: [DeviceID: Entry] = [:]
    var claims: [String] = []

    func protect(
      _ device: DeviceID, identity: String, steps: [GuardianStep], lapse: [GuardianStep]?, descriptors: [Int32]
    ) {
      entries[device] = Entry(identity: identity, steps: steps, lapse: lapse, descriptors: descriptors.count)
    }
    func withdraw(_ device: DeviceID) { entries[device] = nil }
    func claim(_ device: DeviceID, identity: String) -> Int32? {
      claims.append("\(device) \(identity)")
      return nil
    }
  }

  private let recorder = RecordingGuard()
  private let folder = "/sys/class/pwm/pwmchip0/pwm2"
  private let tree: FixtureTree
  private let loop: EventLoop

  init() throws {
    tree = try FixtureTree([
      "/sys/class/pwm/pwmchip0/export": "", "/sys/class/pwm/pwmchip0/unexport": "", "/dev/i2c-7": "",
    ])
    for (name, text) in ["period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"] {
      try tree.write("\(folder)/\(name)", text)
    }
    loop = try EventLoop()
  }

  private func open(_ settings: ActuatorSettings, _ driver: String, _ options: Fields) throws -> any OutputDriver {
    let board = Board(name: "b", backend: .linux, buses: ["bus": Board.Bus(path: "/dev/i2c-7")])
    let backend = LinuxBackend(board: board, loop: loop, root: tree.root, guardian: recorder)
    let device = Device(id: "d", kind: .actuator(settings), driver: driver, options: options)
    guard case .output(let output) = try backend.open(device) else { throw HALError.invalid("d", "no output") }
    return output
  }

  private func pwm(_ settings: ActuatorSettings, inverted: Bool = false) throws -> RecordingGuard.Entry {
    let output = try open(
      settings, "pwm", ["pwmchip": "pwmchip0", "channel": 2, "period": "1ms", "inverted": .bool(inverted)])
    output.set(settings.safe) { _ in }
    return try #require(recorder.entries["d"])
  }

  @Test(arguments: [ActuatorSettings.OnExit.safe, .hold]) func pwmIsWrittenSafe(_ onExit: ActuatorSettings.OnExit)
    throws
  {
    let entry = try pwm(ActuatorSettings(safe: 0.1, onExit: onExit))
    #expect(entry.steps.map(\.action) == [.write(Array("100000".utf8)), .write(Array("1".utf8))])
    #expect(entry.steps.map(\.descriptor) == [0, 1] && entry.descriptors == 2 && entry.lapse == nil)
    #expect(recorder.claims == ["d \(entry.identity)"])
  }

  @Test func pwmIsSwitchedOffAndUnexported() throws {
    let entry = try pwm(ActuatorSettings(safe: 0.1, onExit: .input))
    #expect(entry.steps.map(\.action) == [.write(Array("0".utf8)), .write(Array("2".utf8))])
    // At the end of a lease it becomes safe and stays usable by the daemon.
    let lapse = try #require(entry.lapse)
    #expect(lapse.map(\.action) == [.write(Array("100000".utf8)), .write(Array("1".utf8))])
    #expect(entry.steps.map(\.descriptor) == [0, 1] && lapse.map(\.descriptor) == [2, 0] && entry.descriptors == 3)
  }

  @Test func anInvertedChannelIsSafeWithAnInvertedDuty() throws {
    TemporaryFolder.remove("\(tree.root)\(folder)/polarity")
    let entry = try pwm(ActuatorSettings(safe: 0.1), inverted: true)
    #expect(entry.steps.first?.action == .write(Array("900000".utf8)))
  }

  @Test func aVanishedChannelIsWithdrawn() throws {
    let output = try open(ActuatorSettings(), "pwm", ["pwmchip": "pwmchip0", "channel": 2, "period": "1ms"])
    output.set(0) { _ in }
    #expect(recorder.entries["d"] != nil)
    TemporaryFolder.remove("\(tree.root)/sys/class/pwm/pwmchip0")
    output.set(0) { _ in }
    #expect(recorder.entries["d"] == nil)
  }

  @Test func aChannelOfAChipIsOneTransfer() throws {
    let output = try open(
      ActuatorSettings(safe: 0.5), "pca9685", ["bus": "bus", "address": 0x40, "channel": 3, "frequency": 200])
    output.set(0.5) { _ in }
    let entry = try #require(recorder.entries["d"])
    // LED3_ON_L is 0x12; off at 2048 of 4096.
    #expect(entry.steps.map(\.action) == [.transfer(address: 0x40, [0x12, 0, 0, 0x00, 0x08])])
    #expect(entry.descriptors == 1)
  }

  @Test func aChipChannelIsSafeDuringALapseAndOffAfterDeath() throws {
    let output = try open(
      ActuatorSettings(safe: 0.5, onExit: .input), "pca9685",
      ["bus": "bus", "address": 0x40, "channel": 3, "frequency": 200])
    output.set(0.5) { _ in }
    let entry = try #require(recorder.entries["d"])
    #expect(entry.lapse?.map(\.action) == [.transfer(address: 0x40, [0x12, 0, 0, 0x00, 0x08])])
    #expect(entry.steps != entry.lapse)
  }

  @Test func anInputKeepsBiasAndPolarity() {
    func flags(_ bias: LineOptions.Bias, activeLow: Bool = false) -> UInt64 {
      LineOptions(chip: "c", line: "l", activeLow: activeLow, bias: bias, use: .output(.openDrain, initial: true))
        .inputFlags
    }
    // linux/gpio.h: ACTIVE_LOW 2, INPUT 4, BIAS_PULL_UP 0x100, BIAS_PULL_DOWN 0x200, BIAS_DISABLED 0x400.
    #expect(flags(.asIs) == 0x004)
    #expect(flags(.pullUp) == 0x104)
    #expect(flags(.pullDown, activeLow: true) == 0x206)
    #expect(flags(.disabled) == 0x404)
    // OUTPUT 8, OPEN_DRAIN 0x40.
    let line = LineOptions(
      chip: "c", line: "l", activeLow: true, bias: .pullUp, use: .output(.openDrain, initial: true))
    #expect(line.outputFlags == 0x14A)
  }

  @Test func aDifferentConfigurationIsADifferentIdentity() {
    let line = LineOptions(chip: "c", line: "l", use: .output(.pushPull, initial: false))
    var same = line
    same.use = .output(.pushPull, initial: true)
    #expect(same.identity == line.identity)
    var others = [line, line, line, line, line]
    others[0].chip = "d"
    others[1].line = "m"
    others[2].activeLow = true
    others[3].bias = .pullUp
    others[4].use = .output(.openDrain, initial: false)
    for other in others { #expect(other.identity != line.identity) }
  }
}
