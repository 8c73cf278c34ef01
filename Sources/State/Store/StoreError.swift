import CSQLite
import Glibc
import Linux

/// Why the registry could not be opened, read or written. Changes that were acknowledged before are still stored.
package enum StoreError: Error, Sendable, Hashable {
  /// Another process, or another part of this one, has the file open.
  case locked(String)
  /// The disk or the quota is full.
  case full(String)
  /// The file or its file system is not writable.
  case readOnly(String)
  /// The file is damaged; opening it again restores the good copy.
  case corrupt(String, detail: String)
  /// The file was written by a newer openstarryd.
  case newer(String, found: Int, known: Int)
  /// A value is too large or cannot be stored; the text is the whole message.
  case invalid(String)
  /// The disk or the kernel failed at an operation on a file.
  case failed(operation: String, path: String, detail: String)
}

extension StoreError: CustomStringConvertible {
  /// One sentence: the file, the problem and the remedy.
  package var description: String {
    switch self {
    case .locked(let path): "\(path) is in use by another openstarryd; stop that one, or give this one its own home"
    case .full(let path): "\(path): no space is left on the disk; free some, nothing stored so far is lost"
    case .readOnly(let path): "\(path) is not writable; check its owner and that its file system is not read-only"
    case .corrupt(let path, let detail): "\(path) is damaged (\(detail)); restart openstarryd to restore its last copy"
    case .newer(let path, let found, let known):
      "\(path) has format \(found), but this openstarryd supports only up to \(known): install the newer one again"
    case .invalid(let why): why
    case .failed(let operation, let path, let detail): "cannot \(operation) \(path): \(detail)"
    }
  }
}

extension StoreError {
  /// The cause without the file and the advice, where it is separate.
  var detail: String {
    switch self {
    case .corrupt(_, let detail), .failed(_, _, let detail): detail
    default: description
    }
  }

  /// The error behind an SQLite result code (sqlite.org/rescode.html).
  /// - Parameters:
  ///   - code: the extended result code.
  ///   - errno: the errno of the failed system call; 0 for none.
  ///   - operation: the operation as a verb.
  ///   - path: the registry's file.
  ///   - detail: SQLite's own text.
  init(code: Int32, errno: Int32, operation: String, path: String, detail: String) {
    switch (code & 0xFF, errno) {
    case (SQLITE_BUSY, _), (SQLITE_LOCKED, _): self = .locked(path)
    case (SQLITE_FULL, _), (SQLITE_IOERR, ENOSPC), (SQLITE_IOERR, EDQUOT), (SQLITE_IOERR, EFBIG): self = .full(path)
    case (SQLITE_READONLY, _), (SQLITE_PERM, _), (SQLITE_IOERR, EROFS): self = .readOnly(path)
    case (SQLITE_CANTOPEN, EROFS), (SQLITE_CANTOPEN, EACCES): self = .readOnly(path)
    case (SQLITE_CORRUPT, _), (SQLITE_NOTADB, _): self = .corrupt(path, detail: detail)
    case (SQLITE_TOOBIG, _): self = .invalid("a value is too large for the registry")
    default:
      // For other codes, errno is a leftover of an earlier call.
      let errno = [SQLITE_IOERR, SQLITE_CANTOPEN].contains(code & 0xFF) ? errno : 0
      let cause = errno == 0 ? detail : "\(detail): \(SystemError.text(errno))"
      self = .failed(operation: operation, path: path, detail: cause)
    }
  }

  /// The error behind a failed system call.
  init(_ error: SystemError, path: String) {
    switch error.errno {
    case ENOSPC, EDQUOT, EFBIG: self = .full(path)
    case EROFS, EACCES, EPERM: self = .readOnly(path)
    default: self = .failed(operation: error.operation, path: path, detail: SystemError.text(error.errno))
    }
  }
}
