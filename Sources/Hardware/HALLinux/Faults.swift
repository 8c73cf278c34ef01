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
