import Agent
import AgentProcess
import Glibc
import Linux
import Model
import ProcessTestKit
import TestKit
import Testing

/// A mind in a container, from the image that `openstarry-images mind` makes.
@Suite(.enabled(if: ContainerRoom.absence == nil, "\(ContainerRoom.absence ?? "")")) struct ContainedTests {
  private static let image = "localhost/openstarry-mind:1"

  /// Makes the image in a folder of images.
  /// - Returns: what the program has written if it failed; nil for an image.
  private static func makeImage(in images: String) throws -> String? {
    let folder = try TemporaryFolder()
    var plan = SpawnPlan(Repository.path("systemd/images"), ["images", "mind", image])
    plan.environment = ["OPENSTARRY_IMAGES=\(images)", "OPENSTARRY_MIND=\(Beside.path("openstarry-mind"))"]
    let output = try System.open("\(folder.path)/output", O_WRONLY | O_CREAT, mode: 0o600)
    (plan.output, plan.errors) = (.descriptor(output.number), .descriptor(output.number))
    guard try Spawn.wait(for: Spawn.start(plan)) != 0 else { return nil }
    return String(decoding: try folder.bytes("output"), as: UTF8.self)
  }

  @Test func itWorksThere() throws {
    let images = try #require(ContainerRoom.images)
    #expect(try Self.makeImage(in: images) == nil)
    let room = try ContainerRoom()
    let host = ScriptedHost([
      .calls(.fan()), .calls(ToolCall("fs.write", ["path": "/data/new.txt", "content": "written"])),
      .calls(ToolCall("fs.read", ["path": "/data/new.txt"])), .calls(ToolCall("fs.list", ["path": "/home"])),
      ModelAnswer(text: "done"),
    ])
    var manifest = room.manifest("")
    manifest.runtime = .init(driver: .docker, entry: Self.image)
    manifest.mind = Mind()
    manifest.permissions.data = 1 << 20
    #expect(handleOneEvent(manifest, room.driver, host) { room.run(until: $0) } == nil, "\(host.logs)")
    room.settle()
    #expect(host.effects == ["control fan on 60.0 seconds"])
    let answers = host.requests.last?.toolAnswers ?? []
    #expect(answers.map { $0["ok"] } == [true, true, true, false], "\(answers) \(host.logs)")
    #expect(answers.count > 2 && answers[2]["text"] == "written")
  }
}
