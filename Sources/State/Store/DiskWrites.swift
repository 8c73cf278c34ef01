import Linux

/// This process's writes to disks.
package enum DiskWrites {
  /// Bytes that all threads of this process have sent to the storage layer since its start: `write_bytes` of
  /// /proc/self/io (proc_pid_io(5)).
  /// - Returns: nil when the kernel does not count them.
  package static func total(_ file: String = "/proc/self/io") -> Int64? {
    guard let bytes = try? Files.read(file) else { return nil }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == "write_bytes:" { return Int64(words[1]) }
    }
    return nil
  }
}
