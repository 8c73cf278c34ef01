import TestKit
import Testing

@testable import Cgroup

@Suite struct KernelTextTests {
  @Test func limitsAndShares() {
    func limit(_ text: String) -> UInt64?? { KernelText.limit(Array(text.utf8)) }
    func share(_ text: String) -> Double?? { KernelText.share(Array(text.utf8)) }
    #expect(limit("max\n") == .some(nil) && limit("4096\n") == .some(4096))
    #expect(limit("") == nil && limit("-1\n") == nil && limit("99999999999999999999\n") == nil)
    #expect(share("max 100000\n") == .some(nil) && share("150000 100000\n") == .some(1.5))
    #expect(share("50000\n") == nil && share("50000 0\n") == nil && share("x 1\n") == nil)
  }

  @Test func pathsWithBlanksAreRead() {
    let line = #"41 31 0:38 /a\040b /mnt/c\134d\011 rw,relatime shared:9 master:1 - cgroup2 none rw"#
    #expect(
      KernelText.mounts(Array(line.utf8))
        == [KernelText.Mount(root: "/a b", point: "/mnt/c\\d\t", controllers: nil)])
    #expect(KernelText.mounts(Array("41 31 0:38 / /sys - cgroup2".utf8)).isEmpty)
  }

  /// No input traps, and valid lines are found among rubbish.
  @Test(arguments: 0..<200) func rubbishNeverTraps(_ seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    let words = [
      "0::/", "max", "cgroup2", "-", "oom_kill", "7", "\\04", "\\777", "=", "cgroup_disable=", ",", " ", "\n",
    ]
    for _ in 0..<20 {
      var bytes = random.bytes(0...20)
      for _ in 0..<Int.random(in: 0...12, using: &random) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        bytes.insert(contentsOf: words.randomElement(using: &random)!.utf8, at: place)
      }
      _ = KernelText.limit(bytes)
      _ = KernelText.share(bytes)
      _ = KernelText.mounts(bytes)
      _ = KernelText.verdicts(on: "memory", in: bytes)
      if let group = KernelText.group(bytes) { #expect(group.hasPrefix("/")) }
      // A valid line after lines with other keys.
      let number = UInt64.random(in: 0...UInt64.max, using: &random)
      let plain = bytes.filter { $0 != UInt8(ascii: "u") } + Array("\nusage_usec \(number)\n".utf8)
      #expect(KernelText.value("usage_usec", in: plain) == number)
    }
  }
}
