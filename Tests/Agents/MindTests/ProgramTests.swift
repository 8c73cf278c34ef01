import Linux
import OpenStarryAgent
import TestKit
import Testing

/// The built program on its descriptor 3.
@Suite struct ProgramTests {
  @Test func aWholeDayOverTheSocket() throws {
    let folder = try TemporaryFolder()
    let host = ScriptedHost([
      .calls(.fan()), .calls(ToolCall("getCameraSnapshot", ["id": "cam0"])),
      .calls(ToolCall("fs.write", ["path": "diary.txt", "content": "warm"])), ModelAnswer(text: "The fan is on."),
    ])
    host.picture = [UInt8](repeating: 7, count: 500_000)
    let daemon = try FakeDaemon(
      host, environment: ["OPENSTARRY_AGENT_ID=keeper", "OPENSTARRY_DATA=\(folder.path)"])
    #expect(try daemon.socket.receive()?["method"] == "ready")
    #expect(try daemon.activate("sensor:temperature", ["value": 31.5], from: "temperature") == [:])
    #expect(host.effects == ["control fan on 60.0 seconds", "snapshot cam0"])
    #expect(host.requests.count == 4 && host.requests[2].messages.last?.pictures == [host.picture])
    #expect(try folder.bytes("diary.txt") == Array("warm".utf8))
    let report = try daemon.request("snapshot")["snapshot"]
    #expect(report?["last_answer"] == "The fan is on." && report?["model_calls"] == 4)
    #expect(host.kept["mind.history"]?.list?.count == 1)
    #expect(daemon.methods.first == "describe")
    _ = try daemon.request("stop")
    #expect(try daemon.exitCode() == 0)
  }

  @Test func aRefusedModelIsPassedOnAndTheProgramGoesOn() throws {
    let host = ScriptedHost { (_, number) throws(AgentError) in
      if number == 0 { throw AgentError(.denied, "budget.tokens is used up") }
      return ModelAnswer(text: "hello")
    }
    let daemon = try FakeDaemon(host)
    let error = try daemon.activate("chat:message", ["text": "hi"], from: "client/ada")
    #expect(error["code"] == -32021 && error["message"] == "budget.tokens is used up")
    #expect(try daemon.activate("chat:message", ["text": "hi"], from: "client/ada") == [:])
    #expect(try daemon.request("snapshot")["snapshot"]?["last_answer"] == "hello")
  }

  @Test func itEndsWithTheDaemon() throws {
    let daemon = try FakeDaemon(ScriptedHost([]))
    #expect(try daemon.socket.receive()?["method"] == "ready")
    daemon.hangUp()
    #expect(try daemon.exitCode() == 0)
  }
}
