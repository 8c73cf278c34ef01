import Guardian
import TestKit

extension GuardianStep {
  /// A random step that a message can carry.
  package static func random(_ random: inout SeededGenerator) -> GuardianStep {
    let action: Action =
      switch Int.random(in: 0..<4, using: &random) {
      case 0: .drive(active: Bool.random(using: &random))
      case 1: .configure(flags: random.next())
      case 2: .write(random.bytes(1...longestOperand))
      default: .transfer(address: UInt8.random(in: 0...0x7F, using: &random), random.bytes(2...longestOperand))
      }
    return GuardianStep(UInt8.random(in: 0...3, using: &random), action)
  }
}
