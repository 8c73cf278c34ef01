import Doctor
import Model
import Testing

@testable import CommandLine

@Suite struct DoctorTextTests {
  private let findings = [
    Finding(.daemon, .ok, "openstarryd 1.0.0"),
    Finding(.limits, .note, "memory: measured", remedy: "add\u{1b}it"),
    Finding(.storage, .problem, "full", remedy: "make room"),
  ]

  @Test func aPageHasAHeadingForEachAreaAndARemedyBelowItsLine() {
    #expect(
      DoctorText.lines(findings, colour: false) == [
        "daemon", "  ok       openstarryd 1.0.0",
        "limits", "  note     memory: measured", "           → add\\u{1b}it",
        "storage", "  problem  full", "           → make room",
        "1 problem, 1 note",
      ])
    #expect(DoctorText.lines([], colour: false) == ["no problems, no notes"])
  }

  @Test func programsGetNumbersAndFindings() {
    let document = DoctorText.document(findings)
    #expect(document["problems"] == 1 && document["notes"] == 1)
    #expect(
      document["findings"]?.list?.last
        == ["area": "storage", "level": "problem", "text": "full", "remedy": "make room"])
  }

  @Test func aProgramSaysItsVersion() {
    #expect(ProgramOutput.version(of: "/no/such/program") == nil)
    #expect(ProgramOutput.of("/bin/sh", ["-c", "echo tool version 1.2; echo more"]) == "tool version 1.2\nmore\n")
    #expect(ProgramOutput.of("/bin/sh", ["-c", "printf 0123456789"], most: 4) == "6789")
    #expect(ProgramOutput.of("/bin/sh", ["-c", "echo begun; exec sleep 1000"], within: 300) == "begun\n")
  }
}
