import Linux
import Testing

@Suite struct ZoneFilesTests {
  @Test(.enabled(if: Files.exists(ZoneFiles.folder), "there is no tzdata"))
  func zonesAreFiles() {
    #expect(ZoneFiles.read("Europe/Berlin")?.starts(with: "TZif".utf8) == true)
    #expect(ZoneFiles.read("Europe/Atlantis") == nil)
    #expect(ZoneFiles.read("Europe") == nil, "a folder")
  }
}
