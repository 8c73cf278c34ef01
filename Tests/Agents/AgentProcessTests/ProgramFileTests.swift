import Testing

@testable import AgentProcess

/// What is said about programs that the kernel would refuse.
@Suite struct ProgramFileTests {
  private func problem(_ text: String) -> String? {
    ProgramFile.problem(with: Array(text.utf8), path: "/a/agent") { $0 == "/usr/bin/python3" || $0 == "/bin/sh" }
  }

  @Test(arguments: ["#!/bin/sh\n", "#!/usr/bin/python3 -S\nx", "#! /bin/sh\n", "\u{7F}ELF..."])
  func programs(_ text: String) { #expect(problem(text) == nil) }

  @Test(arguments: [
    ("", "is empty"), ("print(1)\n", "neither a program"), ("#!/usr/bin/python3\r\n", "line ends of Windows"),
    ("#!\n", "no interpreter"), ("#!python3\n", "full path"),
    ("#!/usr/bin/python9\n", "/usr/bin/python9, which does not exist"),
    ("\u{FEFF}#!/bin/sh\n", "neither a program"),
  ]) func problems(_ text: String, _ part: String) {
    let found = problem(text) ?? ""
    #expect(found.contains(part), "\(found)")
  }
}
