import CLinux
import Glibc
import Linux
import Model

/// Keeps the daemon's own memory small.
package enum Footprint {
  /// Limits the heap to one arena (mallopt(3)). Call it first. Otherwise each worker thread would get an arena that
  /// keeps its peak. Workers allocate little and rarely at the same time, so contention does not matter.
  package static func prepare() { _ = mallopt(M_ARENA_MAX, 1) }

  /// Gives memory back that only the start needed. Call it after the start.
  ///
  /// Reading the configuration leaves free heap behind (malloc_trim(3)), and touches most of the code once. The pages
  /// of that code are unmapped (madvise(2), MADV_DONTNEED). They stay in the page cache while there is room, and are
  /// mapped again at their next use. Stack pages below the part in use are given back too, because the start uses more
  /// stack than anything later.
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
    // The rest of this function's frame, and the frame of madvise.
    let margin: UInt = 8 << 10
    var here: UInt8 = 0
    // SAFETY: only the address is taken.
    let address = unsafe withUnsafeMutablePointer(to: &here) { UInt(bitPattern: $0) }
    guard stack.contains(address), address - stack.lowerBound > margin else { return }
    let page = UInt(getpagesize())
    let end = (address - margin) / page * page
    guard end > stack.lowerBound else { return }
    // SAFETY: this is stack of this thread below the part in use; it reads as zero when it is used again.
    _ = unsafe madvise(
      UnsafeMutableRawPointer(bitPattern: stack.lowerBound), Int(end - stack.lowerBound), MADV_DONTNEED)
  }

  /// Unmaps the unchanged pages of the program and its libraries.
  private static func dropUnchanged(_ mappings: [Mapping]) {
    // Another thread could change a writable page between the check and madvise.
    let isAlone = (try? Files.names(in: "/proc/self/task"))?.count == 1
    let pageMap = unsafe open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)
    guard pageMap >= 0 else { return }
    defer { close(pageMap) }
    let page = UInt(getpagesize())
    for mapping in mappings where isAlone || !mapping.isWritable {
      let range = mapping.addresses
      var entries = [UInt64](repeating: 0, count: range.count / Int(page))
      // SAFETY: pread writes at most the size of the array.
      let size = unsafe entries.withUnsafeMutableBytes {
        unsafe pread(pageMap, $0.baseAddress, $0.count, off_t(range.lowerBound / page) * 8)
      }
      guard size == entries.count * 8 else { return }
      for run in unchanged(entries) {
        // SAFETY: these pages are private mappings of a file and unchanged, so they read the same from the file again.
        _ = unsafe madvise(
          UnsafeMutableRawPointer(bitPattern: range.lowerBound + UInt(run.lowerBound) * page), run.count * Int(page),
          MADV_DONTNEED)
      }
    }
  }

  /// The runs of resident pages that are unchanged from their file. In a private mapping a changed page is a copy.
  /// - Parameter entries: of /proc/PID/pagemap; bit 63 is "present", bit 61 "file page" (proc_pid_pagemap(5)).
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
    /// Whether changes are invisible to other processes (MAP_PRIVATE).
    var isPrivate: Bool
    /// The path of the file, or a name in brackets; empty for anonymous memory.
    var path: String

    /// - Returns: nil when the line has another format.
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

    /// Whether it belongs to the program itself or to a shared library.
    func isCode(of program: String) -> Bool {
      isPrivate && (path == program || path.hasPrefix("/") && path.split(separator: "/").last?.holds(".so") == true)
    }
  }
}
