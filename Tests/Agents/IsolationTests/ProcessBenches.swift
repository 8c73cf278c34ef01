import Agent
import AgentProcess
import EventLoop
import Glibc
import IsolationTestKit
import LauncherClient
import Linux
import Model
import ProcessTestKit
import TestKit

/// The language of a program.
enum Language { case swift, python }

/// The conformance suite's agents as programs in the sandbox: in Swift from the same source, or in Python.
final class ProcessBench: IsolationBench {
  private let room: SandboxRoom
  private let language: Language
  let driver: any AgentDriver

  init(_ language: Language) throws {
    room = try SandboxRoom()
    self.language = language
    driver = room.driver
  }

  func manifest(_ behaviour: Behaviour) throws -> Manifest? {
    if behaviour == .isMissing { return room.manifest("missing") }
    switch language {
    case .swift:
      var manifest = room.manifest(Beside.path("conformance-agent"), arguments: [behaviour.rawValue])
      manifest.permissions.paths = SandboxRoom.runtimeFolders
      return manifest
    case .python:
      return try room.program("subject.py", pythonAgent(behaviour))
    }
  }

  func run(until isDone: () -> Bool) { room.run(until: isDone) }
  func settle() { room.settle() }
}

/// The same programs in containers, with the libraries and the interpreter of this machine.
final class ContainerBench: IsolationBench {
  private let room: ContainerRoom
  private let language: Language
  let driver: any AgentDriver

  init(_ language: Language) throws {
    room = try ContainerRoom()
    self.language = language
    driver = room.driver
  }

  func manifest(_ behaviour: Behaviour) throws -> Manifest? {
    var manifest = room.manifest("exit 0")
    if behaviour == .isMissing {
      manifest.runtime.entry = "localhost/missing:1"
      return manifest
    }
    manifest.permissions.paths = ["/usr"]
    switch language {
    case .swift:
      let program = Beside.path("conformance-agent")
      manifest.runtime.arguments = [program, behaviour.rawValue]
      manifest.permissions.paths += [Files.folder(of: program)] + SandboxRoom.runtimeFolders
    case .python:
      try room.write("subject.py", pythonAgent(behaviour))
      manifest.runtime.arguments = ["/usr/bin/python3", "-S", "\(room.folder)/subject.py"]
      manifest.permissions.paths.append(room.folder)
    }
    return manifest
  }

  func run(until isDone: () -> Bool) { room.run(until: isDone) }
  func settle() { room.settle() }
}

private func pythonAgent(_ behaviour: Behaviour) -> String {
  let handle =
    switch behaviour {
    case .fails: "raise openstarry.NotFound('no such thing')"
    case .passesRefusalsOn: "board.on('valve')"
    case .keepsState: "board.state['n'] = board.state.get('n', 0) + 1; del board.state['old']"
    case .setsTimers: "board.after(5, 'dry'); board.every(30, 'poll'); board.cancel('dry')"
    case .diesHandling: "board.log('handled'); os._exit(3)"
    case .spins: "while True: pass"
    default: "board.log('handled')"
    }
  let report = behaviour == .diesReporting ? "os._exit(3)" : "return {'n': 1}"
  return """
    #!/usr/bin/python3 -S
    import openstarry, os
    class Subject(openstarry.Agent):
        def handle(self, event, board):
            \(handle)
        def snapshot(self):
            \(report)
    openstarry.run(Subject)
    """
}
