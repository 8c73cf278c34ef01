/// One thing that makes an output safe: a single system call on a descriptor that is open long before it is needed.
public struct GuardianStep: Equatable, Sendable {
  /// Which of the record's descriptors, from 0.
  public var descriptor: UInt8
  /// What is done with it.
  public var action: Action

  /// Puts a step together.
  public init(_ descriptor: UInt8, _ action: Action) {
    self.descriptor = descriptor
    self.action = action
  }

  /// What can be done with a descriptor.
  public enum Action: Equatable, Sendable {
    /// Drives a requested GPIO line; whether active means high is the request's business (linux/gpio.h,
    /// `GPIO_V2_LINE_SET_VALUES_IOCTL`).
    case drive(active: Bool)
    /// Reconfigures a requested GPIO line, e.g. into an input (`GPIO_V2_LINE_SET_CONFIG_IOCTL`); `flags` as there.
    case configure(flags: UInt64)
    /// Replaces what stands in a file, as sysfs attributes want it: one write from the beginning.
    case write([UInt8])
    /// Writes to a chip on the I²C bus that the descriptor is: a register and at least one byte for it.
    case transfer(address: UInt8, [UInt8])
  }

  /// The longest text or transfer of a step, in bytes.
  public static let longestOperand = 32

  /// When its turn is: lines take microseconds, files some more, a bus may hang.
  public var rank: Int {
    switch action {
    case .drive, .configure: 0
    case .write: 1
    case .transfer: Self.slowestRank
    }
  }

  /// The rank of what may block for as long as a bus hangs.
  public static let slowestRank = 2
}
