import Glibc

/// The error numbers that the client distinguishes (errno(3)).
enum ErrorNumber {
  static let noEntry = ENOENT
  static let notDirectory = ENOTDIR
  static let access = EACCES
  static let notPermitted = EPERM
  static let refused = ECONNREFUSED
  static let notSocket = ENOTSOCK
  static let again = EAGAIN
  static let tooLong = EMSGSIZE
  static let longName = ENAMETOOLONG
  static let brokenPipe = EPIPE
  static let reset = ECONNRESET
}
