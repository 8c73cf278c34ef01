import Glibc
import Linux

/// An error number of WASI preview 1 (`errno` in its witx file, which numbers them by name).
struct WASIError: Error, Hashable {
  let number: Int32

  static let accessDenied = WASIError(number: 2)
  static let badDescriptor = WASIError(number: 8)
  static let badText = WASIError(number: 25)
  static let invalid = WASIError(number: 28)
  static let ioError = WASIError(number: 29)
  static let isFolder = WASIError(number: 31)
  static let link = WASIError(number: 32)
  static let tooManyFiles = WASIError(number: 33)
  static let nameTooLong = WASIError(number: 37)
  static let notFound = WASIError(number: 44)
  static let noSystemCall = WASIError(number: 52)
  static let notFolder = WASIError(number: 54)
  static let notSupported = WASIError(number: 58)
  static let overflow = WASIError(number: 61)
  /// Outside the folders of the guest.
  static let notCapable = WASIError(number: 76)
}

extension WASIError {
  init(_ error: SystemError) {
    switch error.errno {
    case EACCES, EPERM: self = .accessDenied
    case ENOENT: self = .notFound
    case ENOTDIR: self = .notFolder
    case ELOOP: self = .link
    case EXDEV: self = .notCapable
    case ENAMETOOLONG: self = .nameTooLong
    case EMFILE, ENFILE: self = .tooManyFiles
    case EINVAL: self = .invalid
    case EISDIR: self = .isFolder
    case EOVERFLOW: self = .overflow
    case ENOSYS: self = .noSystemCall
    default: self = .ioError
    }
  }
}
