import CLinux
import HAL
import Linux

extension HALError.Fault {
  /// Translates an errno of a device (errno(3)).
  ///
  /// ENODEV and ENOENT mean an absent device, ENXIO and EREMOTEIO a chip that did not acknowledge
  /// (Documentation/i2c/fault-codes.rst), EBUSY a device in use.
  init(errno: Int32) {
    switch errno {
    case ENXIO, EREMOTEIO: self = .noAcknowledge
    case ETIMEDOUT: self = .timeout
    case ENODEV, ENOENT: self = .gone
    case EBUSY: self = .inUse(nil)
    default: self = .system(errno, SystemError.text(errno))
    }
  }

  /// Translates an errno of an I²C transfer, where EAGAIN means a lost arbitration, EBUSY a bus that stayed busy for
  /// too long, and EBADMSG a wrong packet error code (Documentation/i2c/fault-codes.rst).
  init(transfer errno: Int32) {
    switch errno {
    case EAGAIN: self = .arbitrationLost
    case EBUSY: self = .timeout
    case EBADMSG: self = .checksum
    default: self = HALError.Fault(errno: errno)
    }
  }
}
