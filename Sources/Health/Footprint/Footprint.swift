import CLinux
import Glibc
import Linux
import Model

/// Keeps the daemon's own memory small.
package enum Footprint {
  /// Called first. Worker threads share the one heap: each heap of its own would keep what its thread once needed
  /// (mallopt(3)). The workers allocate little, and rarely at the same time.
  package static func prepare() { _ = mallopt(M_ARENA_MAX, 1) }

  /// Called when the start is over: gives back what only the start needed.
  ///
  /// Reading the configuration leaves free heap behind (malloc_trim(3)), and has touched most of the code there is
  /// once. Its pages are taken out of this process (madvise(2), MADV_DONTNEED) and stay in the page cache as long as
  /// there is room; what is needed again is mapped again at its next use.
  /// The start also went deeper into the stack than what follows: pages below the part in use are given back as well.
  package static func settle() {
    guard let maps = try? Files.read("/proc/self/maps"), let program = try? Files.resolve("/proc/self/exe") else {
      return
    }
    let mappings = String(decoding: maps, as: UTF8.self).split(separator: "\n").compactMap { Mapping($0) }
    dropUnchanged(mappings.filter { $0.isCode(of: program) })
    if let stack = mappings.first(where: { $0.path == "[stack]" }) { drop(stack: stack.addresses) }
    _ = malloc_trim(0)
  }

  private static func drop(stack: Range<UInt>) {
    // The rest of this function's frame, and the one call that it makes.
    let margin: UInt = 8 << 10
    var here: UInt8 = 0
    // SAFETY: only the address is taken.
    let address = unsafe withUnsafeMutablePointer(to: &here) { UInt(bitPattern: $0) }
    guard stack.contains(address), address - stack.lowerBound > margin else { return }
    let page = UInt(getpagesize())
    let end = (address - margin) / page * page
    guard end > stack.lowerBound else { return }
    // SAFETY: memory of this thread's stack below what it uses; it reads as zero when it is used again.
    _ = unsafe madvise(
      UnsafeMutableRawPointer(bitPattern: stack.lowerBound), Int(end - stack.lowerBound), MADV_DONTNEED)
  }

  /// - Parameter mappings: of the program and its libraries.
  private static func dropUnchanged(_ mappings: [Mapping]) {
    // Another thread might change a page of variables between the look at it and its end.
    let isAlone = (try? Files.names(in: "/proc/self/task"))?.count == 1
    let pageMap = unsafe open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
    guard pageMap >= 0 else { return }
    defer { close(pageMap) }
    let page = UInt(getpagesize())
    for mapping in mappings where isAlone || !mapping.isWritable {
      let range = mapping.addresses
      var entries = [UInt64](repeating: 0, count: range.count / Int(page))
      // SAFETY: no more is read than the array has room for.
      let size = unsafe entries.withUnsafeMutableBytes {
        unsafe pread(pageMap, $0.baseAddress, $0.count, off_t(range.lowerBound / page) * 8)
      }
      guard size == entries.count * 8 else { return }
      for run in unchanged(entries) {
        // SAFETY: the pages are mapped privately from a file, and none was changed: reading them again from the file
        // gives the same bytes.
        _ = unsafe madvise(
          UnsafeMutableRawPointer(bitPattern: range.lowerBound + UInt(run.lowerBound) * page), run.count * Int(page),
          MADV_DONTNEED)
      }
    }
  }

  /// The runs of pages in memory that still are those of their file: of a private mapping, a page that was written is a
  /// copy. Bits 63 and 61 of an entry (proc_pid_pagemap(5), Documentation/admin-guide/mm/pagemap.rst).
  static func unchanged(_ entries: [UInt64]) -> [Range<Int>] {
    let wanted: UInt64 = 1 << 63 | 1 << 61
    var runs: [Range<Int>] = []
    for (index, entry) in entries.enumerated() where entry & wanted == wanted {
      if let last = runs.last, last.upperBound == index {
        runs[runs.count - 1] = last.lowerBound..<index + 1
      } else {
        runs.append(index..<index + 1)
      }
    }
    return runs
  }

  /// A line of proc_pid_maps(5).
  struct Mapping: Equatable {
    var addresses: Range<UInt>
    var isWritable: Bool
    /// Changes stay in this process.
    var isPrivate: Bool
    /// The file's, or a name in brackets; empty for memory without one.
    var path: String

    /// - Returns: nil for what is no such line.
    init?(_ line: Substring) {
      let words = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      guard words.count >= 5, words[1].utf8.count == 4 else { return nil }
      let ends = words[0].split(separator: "-")
      guard ends.count == 2, let start = UInt(ends[0], radix: 16), let end = UInt(ends[1], radix: 16), start < end
      else {
        return nil
      }
      addresses = start..<end
      let rights = Array(words[1].utf8)
      isWritable = rights[1] == UInt8(ascii: "w")
      isPrivate = rights[3] == UInt8(ascii: "p")
      path = words.count > 5 ? String(words[5].drop { $0 == " " }) : ""
    }

    /// Whether it is of the program itself, or of a shared library it is linked with.
    func isCode(of program: String) -> Bool {
      isPrivate && (path == program || path.hasPrefix("/") && path.split(separator: "/").last?.holds(".so") == true)
    }
  }
}
