import CLinux
import Glibc
import Linux
import Model

/// Keeps the daemon's own memory small.
enum Footprint {
  /// Called first. Worker threads share the one heap: each heap of its own would keep what its thread once needed
  /// (mallopt(3)). The workers allocate little, and rarely at the same time.
  static func prepare() { _ = mallopt(M_ARENA_MAX, 1) }

  /// Called when the start is over: gives back what only the start needed.
  ///
  /// Reading the configuration leaves free heap behind (malloc_trim(3)), and has touched most of the code there is
  /// once. Its pages are taken out of this process (madvise(2), MADV_DONTNEED) and stay in the page cache as long as
  /// there is room; what is needed again is mapped again at its next use.
  /// The start also went deeper into the stack than what follows: pages below the part in use are given back as well.
  static func settle() {
    guard let maps = try? Files.read("/proc/self/smaps"), let program = try? Files.resolve("/proc/self/exe") else {
      return
    }
    let smaps = String(decoding: maps, as: UTF8.self)
    dropStartPages(of: program, in: smaps)
    dropStack(in: smaps)
    _ = malloc_trim(0)
  }

  private static func dropStack(in smaps: String) {
    // The rest of this function's frame, and the one call that it makes.
    let margin: UInt = 8 << 10
    var here: UInt8 = 0
    // SAFETY: only the address is taken.
    let address = unsafe withUnsafeMutablePointer(to: &here) { UInt(bitPattern: $0) }
    guard let stack = stack(in: smaps), stack.contains(address), address - stack.lowerBound > margin else { return }
    let page = UInt(getpagesize())
    let end = (address - margin) / page * page
    guard end > stack.lowerBound else { return }
    // SAFETY: memory of this thread's stack below what it uses; it reads as zero when it is used again.
    _ = unsafe madvise(
      UnsafeMutableRawPointer(bitPattern: stack.lowerBound), Int(end - stack.lowerBound), MADV_DONTNEED)
  }

  /// The main thread's stack (proc_pid_maps(5)).
  static func stack(in smaps: String) -> Range<UInt>? {
    for line in smaps.split(separator: "\n") where line.hasSuffix("[stack]") {
      return line.split(separator: " ").first.flatMap(addresses)
    }
    return nil
  }

  private static func dropStartPages(of program: String, in smaps: String) {
    for range in pureRanges(of: program, in: smaps) {
      // SAFETY: the pages are mapped from the file of the program or of a library, not writable, and none was ever changed: reading them
      // again from the file gives the same bytes.
      _ = unsafe madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
    }
  }

  /// The address ranges that hold nothing but bytes of the file `program` or of a shared library: not writable, no page changed
  /// (proc_pid_smaps(5): `Anonymous` and, behind it, `Swap` are 0 kB; relocated data is read-only too, but has changed pages).
  static func pureRanges(of program: String, in smaps: String) -> [Range<UInt>] {
    var ranges: [Range<UInt>] = []
    var current: Range<UInt>?
    for line in smaps.split(separator: "\n") {
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      if words.count >= 5, let range = addresses(words[0]) {
        let isOurs =
          words[1].hasPrefix("r") && !words[1].hasPrefix("rw")
          && isCode(words.dropFirst(5).joined(separator: " "), of: program)
        current = isOurs ? range : nil
      } else if words.count > 1, words[0] == "Anonymous:" || words[0] == "Swap:", words[1] != "0" {
        // Changed pages, in memory or swapped out.
        current = nil
      } else if let range = current, words.first == "Swap:" {
        ranges.append(range)
      }
    }
    return ranges
  }

  /// The program itself, or a shared library it is linked with.
  private static func isCode(_ path: String, of program: String) -> Bool {
    path == program || path.hasPrefix("/") && path.split(separator: "/").last?.holds(".so") == true
  }

  private static func addresses(_ word: Substring) -> Range<UInt>? {
    let ends = word.split(separator: "-")
    guard ends.count == 2, let start = UInt(ends[0], radix: 16), let end = UInt(ends[1], radix: 16), start < end else {
      return nil
    }
    return start..<end
  }
}
