import CLinux
import LanguageModel
import Linux
import Model

/// Reads keys. A key is read for each call and never kept, and is part of no message, argument or log.
enum APIKey {
  /// The longest key, in bytes.
  private static let longest = 4096

  /// The key of a name: a credential of this unit (systemd.exec(5), LoadCredential=), or the file at an absolute path.
  ///
  /// systemd makes a credential `keys_NAME` of each file in the folder that the unit loads as `keys`.
  /// - Throws: what to do about it.
  static func read(_ name: String) throws(LanguageModelFailure) -> [UInt8] {
    guard let folder = ModelProcess.environment["CREDENTIALS_DIRECTORY"] else {
      guard name.hasPrefix("/") else {
        throw missing("there is no key '\(name)': without systemd a key is the absolute path of a file")
      }
      return try read(name, of: name, isOwn: true)
    }
    guard isName(name) else {
      throw missing("'\(name)' is no name of a key: put the key into /etc/openstarry/keys, and name the file")
    }
    for file in ["keys_\(name)", "keys/\(name)"] where Files.exists("\(folder)/\(file)") {
      return try read("\(folder)/\(file)", of: name, isOwn: false)
    }
    throw missing("there is no key '\(name)': put it into /etc/openstarry/keys/\(name)")
  }

  private static func missing(_ sentence: String) -> LanguageModelFailure {
    LanguageModelFailure(.noKey, wasSent: false, sentence.asMessage)
  }

  private static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 128 && !name.hasPrefix(".")
      && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }
  }

  /// - Parameter isOwn: whether nobody else may be able to read the file.
  private static func read(
    _ path: String, of name: String, isOwn: Bool
  ) throws(LanguageModelFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    do throws(SystemError) {
      // Without waiting for the writer of a pipe.
      let file = try System.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (isOwn ? O_NOFOLLOW : 0))
      let status = try FileStatus(of: file.number)
      guard status.kind == .regular else { throw SystemError("read", path, errno: SystemError.notRegular) }
      if isOwn {
        guard status.owner == geteuid() else {
          throw SystemError("read", "\(path), which must belong to user \(geteuid())", errno: EPERM)
        }
        guard status.mode & 0o077 == 0 else {
          throw SystemError("read", "\(path), which others may read (chmod 600)", errno: EPERM)
        }
      }
      while bytes.count <= longest, let count = try System.read(file.number, into: &bytes), count > 0 {}
    } catch {
      throw missing("the key '\(name)' cannot be read: \(error)")
    }
    guard bytes.count <= longest else { throw missing("the key '\(name)' is longer than \(longest) bytes") }
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var key = bytes[...]
    while let first = key.first, isSpace(first) { key.removeFirst() }
    while let last = key.last, isSpace(last) { key.removeLast() }
    guard !key.isEmpty else { throw missing("the file of the key '\(name)' is empty") }
    guard key.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw missing("the file of the key '\(name)' has more in it than one key: a space, a line or a control character")
    }
    return Array(key)
  }
}
