import Testing

@testable import Daemon

@Suite struct FootprintTests {
  private func mapping(_ head: String, anonymous: Int = 0, swap: Int = 0) -> String {
    "\(head)\nSize:   8 kB\nRss:    8 kB\nAnonymous:   \(anonymous) kB\nSwap:   \(swap) kB\nSwapPss:  0 kB\n"
  }

  private func ranges(_ mappings: String...) -> [Range<UInt>] {
    Footprint.pureRanges(of: "/usr/bin/the daemon", in: mappings.joined())
  }

  @Test func codeAndConstantsAreGivenBack() {
    let code = mapping("1000-3000 r-xp 00000000 fe:00 12 /usr/bin/the daemon")
    let constants = mapping("5000-6000 r--p 00004000 fe:00 12 /usr/bin/the daemon")
    let library = mapping("7000-8000 r-xp 00000000 fe:00 12 /usr/lib/libsqlite3.so.0.8.6")
    #expect(ranges(code, constants, library) == [0x1000..<0x3000, 0x5000..<0x6000, 0x7000..<0x8000])
  }

  @Test func whatWasChangedIsNot() {
    let relocated = mapping("1000-3000 r--p 00000000 fe:00 12 /usr/bin/the daemon", anonymous: 4)
    let swapped = mapping("3000-4000 r--p 00000000 fe:00 12 /usr/bin/the daemon", swap: 4)
    let writable = mapping("5000-6000 rw-p 00004000 fe:00 12 /usr/bin/the daemon")
    #expect(ranges(relocated, swapped, writable).isEmpty)
  }

  @Test func theStackIsFound() {
    let code = mapping("1000-3000 r-xp 00000000 fe:00 12 /usr/bin/the daemon")
    #expect(
      Footprint.stack(in: code + mapping("7000-9000 rw-p 00000000 00:00 0                  [stack]")) == 0x7000..<0x9000
    )
    #expect(Footprint.stack(in: code + "x [stack]\n") == nil && Footprint.stack(in: code) == nil)
  }

  @Test func whatBelongsToOthersIsNot() {
    let data = mapping("1000-3000 r--p 00000000 fe:00 12 /usr/lib/locale/locale-archive")
    let nameless = mapping("5000-6000 r-xp 00000000 00:00 0")
    let heap = mapping("7000-8000 r--p 00000000 00:00 0 [heap]")
    #expect(ranges(data, nameless, heap, "nonsense\n\n- - -\nAnonymous: 0 kB\nSwap: 0 kB\n").isEmpty)
  }
}
