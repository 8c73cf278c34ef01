import CLinux
import HAL
import Linux

extension HALError.Fault {
  /// What an error number of the kernel means for a device (errno(3)).
  ///
  /// ENODEV and ENOENT are a device that is not there; ENXIO and EREMOTEIO a chip that did not acknowledge
  /// (Documentation/i2c/fault-codes.rst); EBUSY one that somebody else holds.
  init(errno: Int32) {
    switch errno {
    case ENXIO, EREMOTEIO: self = .noAcknowledge
    case ETIMEDOUT: self = .timeout
    case ENODEV, ENOENT: self = .gone
    case EBUSY: self = .inUse(nil)
    default: self = .system(errno, SystemError.text(errno))
    }
  }

  /// The same for a transfer on an I²C bus, where EAGAIN is a lost arbitration, EBUSY a bus that stayed busy for too
  /// long, and EBADMSG a wrong packet error code (Documentation/i2c/fault-codes.rst).
  init(transfer errno: Int32) {
    switch errno {
    case EAGAIN: self = .arbitrationLost
    case EBUSY: self = .timeout
    case EBADMSG: self = .checksum
    default: self = HALError.Fault(errno: errno)
    }
  }
}

/// Growing pauses between attempts to open something that is not there.
struct Backoff {
  private let first: Duration
  private let longest: Duration
  private var next: Duration

  init(first: Duration = .milliseconds(100), longest: Duration = .seconds(30)) {
    self.first = first
    self.longest = longest
    next = first
  }

  /// The pause before the next attempt; the one after it is twice as long, up to the longest.
  mutating func pause() -> Duration {
    defer { next = min(next * 2, longest) }
    return next
  }

  /// Starts again with the shortest pause.
  mutating func reset() { next = first }
}
