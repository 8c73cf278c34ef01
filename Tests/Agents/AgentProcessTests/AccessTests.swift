import Glibc
import Linux
import TestKit
import Testing

@testable import AgentProcess

/// The obstacles between the agents' user and a program.
@Suite struct AccessTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("a/b/program", "x")
    for name in ["", "/a", "/a/b", "/a/b/program"] { set(name, 0o755) }
  }

  private func set(_ name: String, _ mode: mode_t) { _ = unsafe chmod("\(folder.path)\(name)", mode) }
  private var obstacle: String? { Access.obstacle(to: "\(folder.path)/a/b/program") }

  @Test func whatOthersMayReachHasNone() { #expect(obstacle == nil) }

  @Test func aFolderThatOthersMayNotEnterIsNamed() {
    set("/a", 0o750)
    let place = "\(folder.path)/a"
    #expect(obstacle == "\(place) has mode 750: chmod o+x \(place), or move the agent elsewhere")
  }

  @Test func aFolderThatOthersMayNotListIsNone() {
    set("/a", 0o711)
    #expect(obstacle == nil)
  }

  @Test(arguments: [0o750, 0o754, 0o751] as [mode_t]) func aProgramThatOthersMayNotRunIsNamed(_ mode: mode_t) {
    set("/a/b/program", mode)
    #expect(obstacle?.hasPrefix("\(folder.path)/a/b/program has mode") == true)
  }
}
