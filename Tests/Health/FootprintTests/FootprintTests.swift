import Testing

@testable import Footprint

@Suite struct FootprintTests {
  private func mapping(_ line: String) -> Footprint.Mapping? { Footprint.Mapping(line[...]) }

  private func isCode(_ line: String) -> Bool? { mapping(line)?.isCode(of: "/usr/bin/the daemon") }

  @Test func linesAreRead() throws {
    let code = try #require(mapping("1000-3000 r-xp 00000000 fe:00 12                   /usr/bin/the daemon"))
    #expect(code.addresses == 0x1000..<0x3000 && !code.isWritable && code.isPrivate)
    #expect(code.path == "/usr/bin/the daemon")
    let memory = try #require(mapping("5000-6000 rw-s 00000000 00:00 0 "))
    #expect(memory.isWritable && !memory.isPrivate && memory.path == "")
    #expect(mapping("7000-9000 rw-p 00000000 00:00 0                  [stack]")?.path == "[stack]")
    for nonsense in ["", "nonsense", "- - - - -", "2000-1000 r-xp 0 0 0 x", "1000-2000 r 0 0 0 x"] {
      #expect(mapping(nonsense) == nil, "\(nonsense)")
    }
  }

  @Test func codeConstantsAndVariablesOfTheProgramAndItsLibrariesMayBeGivenBack() {
    for rights in ["r-xp", "r--p", "rw-p"] {
      #expect(isCode("1000-3000 \(rights) 00000000 fe:00 12 /usr/bin/the daemon") == true)
      #expect(isCode("1000-3000 \(rights) 00000000 fe:00 12 /usr/lib/libsqlite3.so.0.8.6") == true)
    }
  }

  @Test func whatBelongsToOthersIsNot() {
    #expect(isCode("1000-3000 r--p 00000000 fe:00 12 /usr/lib/locale/locale-archive") == false)
    #expect(isCode("5000-6000 r-xp 00000000 00:00 0") == false)
    #expect(isCode("7000-8000 r--p 00000000 00:00 0 [heap]") == false)
    #expect(isCode("7000-8000 rw-s 00000000 fe:00 12 /usr/bin/the daemon") == false)
  }

  @Test func pagesThatWereChangedStay() {
    let (present, swapped, file): (UInt64, UInt64, UInt64) = (1 << 63, 1 << 62, 1 << 61)
    #expect(
      Footprint.unchanged([present | file, present | file, present, 0, swapped | file, file, present | file | 7])
        == [0..<2, 6..<7])
    #expect(Footprint.unchanged([]).isEmpty && Footprint.unchanged([present, swapped]).isEmpty)
  }
}
