import HAL
import Model
import TestKit
import Testing

@testable import HALLinux

@Suite struct PWMTests {
  private static let device = "/sys/devices/platform/fe20c000.pwm/pwm/pwmchip3"

  private func board(_ more: [String: String] = [:]) throws -> FixtureTree {
    var files = ["\(Self.device)/export": "", "\(Self.device)/unexport": ""]
    for (name, text) in ["period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"] {
      files["\(Self.device)/pwm1/\(name)"] = text
    }
    for (name, text) in more { files["\(Self.device)/\(name)"] = text }
    let tree = try FixtureTree(files)
    try tree.link("/sys/class/pwm/pwmchip3", to: Self.device)
    return tree
  }

  private func channel(
    _ tree: FixtureTree, chip: String = "fe20c000.pwm", channel: Int = 1, inverted: Bool = false
  ) -> PWMChannel {
    PWMChannel(
      .init(chip: chip, channel: channel, period: 1_000_000, inverted: inverted), KernelTree(root: tree.root))
  }

  private func set(_ output: PWMChannel, _ level: Double) throws -> HALError.Fault? {
    var answer: Result<Void, HALError.Fault>?
    output.set(level) { answer = $0 }
    switch try #require(answer, "kernel PWM answers at once") {
    case .success: return nil
    case .failure(let fault): return fault
    }
  }

  @Test(arguments: ["fe20c000.pwm", "pwmchip3"])
  func drives(_ chip: String) throws {
    let tree = try board()
    let output = channel(tree, chip: chip)
    for (level, duty) in [(0, "0"), (0.25, "250000"), (1, "1000000"), (1.0 / 3, "333333")] {
      #expect(try set(output, level) == nil)
      #expect(try tree.read("\(Self.device)/pwm1/duty_cycle") == duty)
    }
    #expect(try tree.read("\(Self.device)/pwm1/period") == "1000000")
    #expect(try tree.read("\(Self.device)/pwm1/enable") == "1")
    #expect(output.isAnalogue)
  }

  @Test func inverts() throws {
    let tree = try board(["pwm1/polarity": "normal\n"])
    #expect(try set(channel(tree, inverted: true), 0.25) == nil)
    #expect(try tree.read("\(Self.device)/pwm1/polarity") == "inversed")
    #expect(try tree.read("\(Self.device)/pwm1/duty_cycle") == "250000")
  }

  @Test func aSinglePolarityIsInvertedInSoftware() throws {
    let tree = try board()
    TemporaryFolder.remove("\(tree.root)\(Self.device)/pwm1/polarity")
    let output = channel(tree, inverted: true)
    #expect(try set(output, 0.25) == nil)
    #expect(try tree.read("\(Self.device)/pwm1/duty_cycle") == "750000")
  }

  @Test func aFailedExportIsNamed() throws {
    let tree = try board()
    // Writing to a plain file does not create the folder, as the kernel would.
    let answer = try set(channel(tree, channel: 0), 1)
    #expect(answer == .protocolViolation("/sys/class/pwm/pwmchip3/export created no pwm0"))
    #expect(try tree.read("\(Self.device)/export") == "0")
    #expect(
      try set(channel(tree, chip: "pwmchip0"), 1)
        == .absent("no PWM chip 'pwmchip0' in /sys/class/pwm: there are pwmchip3 (fe20c000.pwm)"))
  }

  @Test func aRenumberedChipIsFoundAgain() throws {
    let tree = try board()
    let output = channel(tree)
    #expect(try set(output, 1) == nil)
    TemporaryFolder.remove("\(tree.root)/sys/class/pwm/pwmchip3")
    #expect(try set(output, 0.5) == .gone)
    try tree.link("/sys/class/pwm/pwmchip7", to: Self.device)
    #expect(try set(output, 0.5) == nil)
    #expect(try tree.read("\(Self.device)/pwm1/duty_cycle") == "500000")
  }

  @Test func releases() throws {
    let tree = try board()
    let output = channel(tree)
    #expect(try set(output, 1) == nil)
    output.release(.hold)
    output.release(.safe)
    #expect(try tree.read("\(Self.device)/pwm1/enable") == "1")
    output.turnIntoInput { _ in }
    #expect(try tree.read("\(Self.device)/pwm1/enable") == "0")
    #expect(try tree.read("\(Self.device)/unexport") == "1")
  }
}
