/// One step of making an output safe: a single system call on a descriptor that was opened in advance.
package struct GuardianStep: Equatable, Sendable {
  /// The index of the descriptor in the record, from 0.
  package var descriptor: UInt8
  /// The call on that descriptor.
  package var action: Action

  /// - Parameters:
  ///   - descriptor: the index of the descriptor in the record.
  ///   - action: the call on that descriptor.
  package init(_ descriptor: UInt8, _ action: Action) {
    self.descriptor = descriptor
    self.action = action
  }

  /// A call on a descriptor.
  package enum Action: Equatable, Sendable {
    /// Drives a requested GPIO line (linux/gpio.h, `GPIO_V2_LINE_SET_VALUES_IOCTL`). The request determines whether
    /// active means high.
    case drive(active: Bool)
    /// Reconfigures a requested GPIO line, e.g. into an input, with the flags of `GPIO_V2_LINE_SET_CONFIG_IOCTL`.
    case configure(flags: UInt64)
    /// Replaces the content of a file with a single write from its beginning, as sysfs attributes require.
    case write([UInt8])
    /// Writes to a chip on the descriptor's I²C bus: a 7-bit address, then a register and at least one byte for it.
    case transfer(address: UInt8, [UInt8])
  }

  /// The longest text or transfer of a step, in bytes.
  package static let longestOperand = 32

  /// Its order among steps: GPIO lines (0) take microseconds, files (1) somewhat longer, and a bus (2) may hang.
  package var rank: Int {
    switch action {
    case .drive, .configure: 0
    case .write: 1
    case .transfer: Self.slowestRank
    }
  }

  /// The rank of steps that may block while a bus hangs.
  package static let slowestRank = 2
}
