import CLinux

/// Small files of the kernel: /proc and control groups. Paths are bytes without the final zero.
enum SmallFiles {
  /// Reads at most 64 KiB.
  /// - Returns: nil when the file cannot be read.
  static func read(_ path: [UInt8]) -> [UInt8]? {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 2048)
    var length = 0
    while length < 65_536 {
      if length == bytes.count { bytes += [UInt8](repeating: 0, count: length) }
      // SAFETY: the array has room for the rest.
      let count = unsafe bytes.withUnsafeMutableBytes {
        unsafe CLinux.read(file, $0.baseAddress! + length, $0.count - length)
      }
      if count <= 0 { break }
      length += count
    }
    bytes.removeLast(bytes.count - length)
    return bytes
  }

  /// Writes the text with one write(2), as the kernel requires.
  /// - Returns: 0, or the errno.
  static func write(_ path: [UInt8], _ text: [UInt8]) -> Int32 {
    let file = open(path, O_WRONLY)
    guard file >= 0 else { return openstarry_errno() }
    defer { close(file) }
    // SAFETY: the array is valid for its count.
    return unsafe CLinux.write(file, text, text.count) == text.count ? 0 : openstarry_errno()
  }

  /// Makes a file, or replaces what is in it, for this user alone.
  /// - Returns: 0, or the errno.
  static func create(_ path: [UInt8], _ text: [UInt8]) -> Int32 {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    guard file >= 0 else { return openstarry_errno() }
    defer { close(file) }
    // SAFETY: the array is valid for its count.
    return unsafe CLinux.write(file, text, text.count) == text.count ? 0 : openstarry_errno()
  }

  static func open(_ path: [UInt8], _ flags: Int32, mode: mode_t = 0) -> Int32 {
    let text = path + [0]
    // SAFETY: the text ends with a zero byte.
    return unsafe text.withUnsafeBytes {
      unsafe openstarry_open($0.baseAddress!.assumingMemoryBound(to: CChar.self), flags | O_CLOEXEC, mode)
    }
  }

  static func exists(_ path: [UInt8]) -> Bool {
    let text = path + [0]
    // SAFETY: the text ends with a zero byte.
    return unsafe text.withUnsafeBytes { unsafe access($0.baseAddress!.assumingMemoryBound(to: CChar.self), F_OK) } == 0
  }

  static func removeFile(_ path: [UInt8]) {
    let text = path + [0]
    // SAFETY: the text ends with a zero byte.
    _ = unsafe text.withUnsafeBytes { unsafe unlink($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }

  /// - Returns: 0, or the errno.
  static func makeFolder(_ path: [UInt8], mode: mode_t = 0o755) -> Int32 {
    let text = path + [0]
    // SAFETY: the text ends with a zero byte.
    return unsafe text.withUnsafeBytes { unsafe mkdir($0.baseAddress!.assumingMemoryBound(to: CChar.self), mode) } == 0
      ? 0 : openstarry_errno()
  }

  /// - Returns: 0 for a folder in which nobody but its owner may write; otherwise the errno, EPERM when others may.
  static func ownFolderError(_ path: [UInt8]) -> Int32 {
    let text = path + [0]
    // SAFETY: the text ends with a zero byte.
    return unsafe text.withUnsafeBytes {
      unsafe openstarry_own_folder_error($0.baseAddress!.assumingMemoryBound(to: CChar.self))
    }
  }

  /// The entries of a folder whose names are positive numbers; at most 1024.
  static func numbers(in path: [UInt8]) -> [Int32] {
    let text = path + [0]
    var numbers = [Int32](repeating: 0, count: 1024)
    // SAFETY: the text ends with a zero byte; the array is valid for its count.
    let count = unsafe text.withUnsafeBytes {
      unsafe openstarry_numbers_in(
        $0.baseAddress!.assumingMemoryBound(to: CChar.self), &numbers, Int32(numbers.count))
    }
    return [Int32](numbers[..<Int(max(0, count))])
  }

  static func isFolder(_ path: [UInt8]) -> Bool {
    let folder = open(path, O_RDONLY | O_DIRECTORY)
    if folder >= 0 { close(folder) }
    return folder >= 0
  }

  /// The size of a folder's contents.
  /// - Returns: UInt64.max for more than 4096 files or 16 levels, or when a folder in it cannot be read.
  static func sizeOfFolder(_ path: [UInt8]) -> UInt64 {
    let folder = open(path, O_RDONLY | O_DIRECTORY)
    guard folder >= 0 else { return .max }
    var files: Int32 = 4096
    // SAFETY: the shim writes the local, and closes the folder.
    return unsafe openstarry_folder_size(folder, 16, &files)
  }

  /// - Returns: whether the folder is gone.
  static func removeFolder(_ path: [UInt8]) -> Bool {
    let text = path + [0]
    // SAFETY: the text ends with a zero byte.
    return unsafe text.withUnsafeBytes { unsafe rmdir($0.baseAddress!.assumingMemoryBound(to: CChar.self)) } == 0
      || openstarry_errno() == ENOENT
  }
}

extension [UInt8] {
  /// The decimal numbers of a text, in their order. Anything between them is skipped.
  var numbers: [UInt64] {
    var numbers: [UInt64] = []
    var isNumber = false
    for byte in self {
      if byte >= 0x30, byte <= 0x39 {
        let digit = UInt64(byte - 0x30)
        if isNumber {
          numbers[numbers.count - 1] = numbers[numbers.count - 1] &* 10 &+ digit
        } else {
          numbers.append(digit)
        }
        isNumber = true
      } else {
        isNumber = false
      }
    }
    return numbers
  }

  /// The first number after `label`; nil when the text does not contain that.
  func number(after label: StaticString) -> UInt64? {
    let label = [UInt8](label)
    guard count > label.count else { return nil }
    for start in 0..<(count - label.count) {
      var isSame = true
      for index in 0..<label.count where self[start + index] != label[index] {
        isSame = false
        break
      }
      if isSame { return [UInt8](self[(start + label.count)...].prefix(32)).numbers.first }
    }
    return nil
  }
}
