import Agent
import AgentProcess
import Linux
import Model
import ProcessTestKit
import Testing

/// What agents in containers may rely on, whoever runs the containers.
@Suite(.enabled(if: !ContainerEngineKind.here.isEmpty, "no containers can be run here"))
struct ContainerContractTests {
  @Test(arguments: ContainerEngineKind.here) func itTakesEventsAndCommandsActuators(_ engine: ContainerEngineKind)
    throws
  {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady(
      """
      read -r line <&3; echo "event: $line"
      printf '{"id":1,"method":"controlActuator","params":{"id":"lamp","command":"on"}}\\n' >&3
      read -r line <&3; echo "answer: $line"
      printf '{"id":1,"result":{}}\\n' >&3
      read -r line <&3; printf '{"id":2,"result":{}}\\n' >&3; exit 0
      """)
    agent.activate()
    agent.room.run { !agent.activations.isEmpty }
    #expect(agent.activations.count == 1 && (try? agent.activations[0].get()) != nil, "\(agent.activations)")
    #expect(agent.host.commands.map(\.0) == ["lamp"])
    agent.room.run { agent.host.lines.count == 2 }
    #expect(
      agent.host.lines.first?.contains("test:event") == true && agent.host.lines.last?.contains("\"state\":1") == true)
    #expect(agent.instance?.pid ?? 0 > 0)
    agent.stop(now: false)
  }

  @Test(arguments: ContainerEngineKind.here) func whatItUsesIsMeasured(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady("read -r line <&3; while :; do :; done")
    let before = agent.host.cpu
    agent.activate()
    agent.room.run { agent.host.cpu > before + 300_000_000 }
    #expect(agent.host.cpu > before + 300_000_000 && agent.host.memory > 0)
    agent.stop(now: true)
  }

  /// More than its log holds.
  @Test(arguments: ContainerEngineKind.here) func muchThatItWritesArrivesWhole(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady(
      "i=0; while [ $i -lt 3000 ]; do echo line $i of many; i=$((i+1)); done; echo err >&2; echo last; cat <&3")
    agent.room.run { agent.host.lines.last == "last" }
    let numbers = agent.host.lines.filter { $0.hasSuffix("of many") }.compactMap { Int($0.split(separator: " ")[1]) }
    let isWhole = numbers == Array(0..<3000)
    #expect(isWhole && agent.host.lines.suffix(2) == ["err", "last"], "\(numbers.count) lines")
    agent.stop(now: true)
  }

  /// docs/process-abi.md, 1.2.
  @Test(arguments: ContainerEngineKind.here) func itsLogHasANumberAndNoName(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady("(echo x >/dev/stderr) 2>&1; (echo x >/proc/self/fd/2) 2>&1; echo number >&2; cat <&3")
    agent.room.run { agent.host.lines.last == "number" }
    let refusals = agent.host.lines.dropLast()
    #expect(refusals.count == 2 && refusals.allSatisfy { $0.hasSuffix("No such device or address") }, "\(refusals)")
    agent.stop(now: true)
  }

  /// busybox's `cat` moves bytes with sendfile(2), which would lock a pipe until some come.
  @Test(arguments: ContainerEngineKind.here) func oneThatWaitsInItsLogHoldsNobodyUp(_ engine: ContainerEngineKind)
    throws
  {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady("echo before; cat <&3")
    agent.room.run { agent.host.lines == ["before"] }
    agent.room.settle()
    agent.stop(now: true)
  }

  @Test(arguments: ContainerEngineKind.here) func oneThatEndsBeforeItIsReady(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    try agent.start("echo no such battery >&2; exit 3")
    #expect(agent.startFailure?.reason == .startFailed)
    #expect(agent.startFailure?.message == "it exited with code 3 before it was ready; its last line: no such battery")
  }

  @Test(arguments: ContainerEngineKind.here) func aCommandThatIsNotInTheImage(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    try agent.start("") { $0.runtime.arguments = ["/no/such/program"] }
    #expect(agent.startFailure?.message.contains("/no/such/program") == true, "\(agent.startFailure as Any)")
  }

  @Test(arguments: ContainerEngineKind.here) func aCrash(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady("read -r line <&3; echo out of paper; exit 7")
    agent.activate()
    agent.room.run { !agent.ends.isEmpty }
    #expect(agent.ends.map(\.failure) == [AgentFailure(.crash, "it exited with code 7; its last line: out of paper")])
  }

  @Test(arguments: ContainerEngineKind.here) func oneThatClosesItsSocketAndLivesOn(_ engine: ContainerEngineKind) throws
  {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady("exec 3>&-; exec sleep 1000")
    agent.room.run { !agent.ends.isEmpty }
    #expect(agent.ends.first?.failure == AgentFailure(.protocolViolation, "it closed descriptor 3 and went on running"))
  }

  @Test(arguments: ContainerEngineKind.here) func sigtermDrains(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady("trap 'echo drained; exit 0' TERM; echo set; while :; do sleep 0.1; done") {
      $0.policy.grace = .milliseconds(300)
    }
    agent.room.run { agent.host.lines == ["set"] }
    agent.stop(now: false)
    #expect(agent.host.lines == ["set", "drained"])
  }

  @Test(arguments: ContainerEngineKind.here) func aForkBombIsHeld(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    try agent.startReady("bomb() { bomb | bomb & }; read -r line <&3; bomb; exec sleep 1000")
    agent.activate()
    for _ in 0..<20 { agent.room.settle() }
    #expect(try Files.names(in: "/proc").count < 2000)
    agent.stop(now: true)
  }

  @Test(arguments: ContainerEngineKind.here) func itsFolderStays(_ engine: ContainerEngineKind) throws {
    let agent = try ContainerAgentCase(engine)
    for time in 1...2 {
      try agent.startReady("cat /data/table; echo seven >$OPENSTARRY_DATA/table; echo done; sleep 60") {
        $0.permissions.data = 1 << 20
      }
      agent.room.run { agent.host.lines.count { $0 == "done" } == time }
      #expect(agent.host.lines.contains("seven") == (time == 2), "\(agent.host.lines)")
      agent.stop(now: true)
    }
    try agent.startReady("dd if=/dev/zero of=/data/a bs=64k count=17; while :; do :; done") {
      $0.permissions.data = 1 << 20
    }
    agent.activate()
    agent.room.run { !agent.ends.isEmpty }
    #expect(agent.ends.map(\.failure.reason) == [.data], "\(agent.ends)")
  }
}
