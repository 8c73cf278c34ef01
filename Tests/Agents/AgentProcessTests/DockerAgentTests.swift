import Agent
import AgentProcess
import Glibc
import LauncherClient
import Linux
import Model
import ProcessTestKit
import TestKit
import Testing

/// Agents in containers of a real Docker engine.
@Suite(.enabled(if: DockerRoom.absence == nil, "\(DockerRoom.absence ?? "")"))
final class DockerAgentTests: ContainerAgentCase {
  init() throws { try super.init(.docker) }

  private func runs(_ name: String) -> Int { Self.processes(with: "sleep\u{0}\(name)").count }

  // MARK: Starts that fail

  @Test func anUnknownImage() throws {
    try start("exit 0") { $0.runtime.entry = "localhost/none:1" }
    #expect(
      startFailure?.message
        == "the container cannot be started: the engine does not have the image localhost/none:1: docker load or docker "
        + "pull puts it there")
  }

  @Test func anImageWithVolumes() throws {
    try start("exit 0") { $0.runtime.entry = "localhost/openstarry-test:volume" }
    #expect(startFailure?.message.contains("the image declares volumes") == true, "\(startFailure as Any)")
  }

  @Test func anImageWithoutACommand() throws {
    try start("") { $0.runtime.arguments = [] }
    #expect(startFailure?.message.contains("names no program") == true, "\(startFailure as Any)")
  }

  @Test func whatAnEngineCannotDo() throws {
    var manifest = room.manifest("exit 0")
    manifest.permissions.hosts = ["example.org:443"]
    #expect { try self.room.driver.validate(manifest) } throws: { error in
      (error as? AgentFailure)?.message.contains("network_allow_hosts") == true
    }
  }

  // MARK: Ends

  @Test func everythingDiesWithIt() throws {
    try startReady("(exec sleep 7531) & (setsid sleep 7531) & exec sleep 7531")
    room.run { runs("7531") == 3 }
    #expect(runs("7531") == 3)
    stop(now: true)
    room.run { runs("7531") == 0 }
    #expect(runs("7531") == 0)
  }

  @Test func itDiesWithTheLauncher() throws {
    try startReady("exec sleep 7642")
    room.run { runs("7642") == 1 }
    kill(try #require(room.launcher.process), SIGKILL)
    room.run { !ends.isEmpty && runs("7642") == 0 }
    #expect(ends.first?.failure.message.hasPrefix("the launcher is gone") == true && runs("7642") == 0, "\(ends)")
    ends = []
    try startReady("exec sleep 1000")
    stop(now: true)
    #expect(try Files.names(in: room.door) == [])
  }

  @Test func aStartThatIsGivenUpLeavesNothing() throws {
    let manifest = room.manifest("exec sleep 7864")
    room.driver.start(manifest, host: host, ended: { [unowned self] in ends.append($0) }) { [unowned self] in
      started = $0
    }
    room.driver.cancelStart(of: manifest.id)
    room.run { started != nil }
    #expect(startFailure?.reason == .killed && ends.isEmpty, "\(startFailure as Any)")
    #expect(runs("7864") == 0)
    #expect(try Files.names(in: room.door) == [])
  }

  /// Only the stage knows the container: killed, it cannot end it. The next start does.
  @Test func whatAKilledStageLeavesIsFoundAtTheNextStart() throws {
    try startReady("exec sleep 7753")
    room.run { runs("7753") == 1 }
    kill(try #require(instance?.pid), SIGKILL)
    room.run { !ends.isEmpty }
    #expect(ends.first?.failure.reason == .crash && runs("7753") == 1, "\(ends)")
    ends = []
    try startReady("exec sleep 1000")
    room.run { runs("7753") == 0 }
    #expect(runs("7753") == 0)
    stop(now: true)
  }

  /// As the stage that is killed has a number that another one has by then.
  @Test func whatAKilledStageLeavesIsFoundAlsoIfItsNumberIsTakenAgain() throws {
    try startReady("exec sleep 7975")
    room.run { runs("7975") == 1 }
    let stage = try #require(instance?.pid)
    kill(stage, SIGKILL)
    room.run { !ends.isEmpty }
    #expect(runs("7975") == 1, "\(ends)")
    ends = []
    // Stands for a stage of another daemon.
    let other = "\(room.door)/\(stage)"
    try Files.makeFolder(other)
    #expect(unsafe chown(other, ContainerRoom.agentsUser, ContainerRoom.agentsUser) == 0)
    let lock = try System.open(other, O_RDONLY | O_DIRECTORY)
    #expect(flock(lock.number, LOCK_EX | LOCK_NB) == 0)
    try startReady("exec sleep 1000")
    room.run { runs("7975") == 0 }
    #expect(runs("7975") == 0 && Files.isFolder(other))
    stop(now: true)
    #expect(try Files.names(in: room.door) == ["\(stage)"])
  }

  @Test func anotherDaemonsContainersLive() throws {
    try startReady("exec sleep 7486")
    let other = try ContainerAgentCase(.docker, door: room.door)
    try other.startReady("exec sleep 7486")
    room.run { runs("7486") == 2 }
    #expect(runs("7486") == 2 && ends.isEmpty)
    // The other one's launcher dies, and a third daemon's next start tidies up after it.
    kill(try #require(other.room.launcher.process), SIGKILL)
    other.room.run { !other.ends.isEmpty }
    let third = try ContainerAgentCase(.docker, door: room.door)
    try third.startReady("exec sleep 7486")
    room.run { runs("7486") == 2 }
    #expect(runs("7486") == 2 && ends.isEmpty && third.ends.isEmpty)
    third.stop(now: true)
    stop(now: true)
    room.run { runs("7486") == 0 && (try? Files.names(in: room.door)) == [] }
    #expect(runs("7486") == 0)
    #expect(try Files.names(in: room.door) == [])
  }

  @Test func whatDeadStagesLeftIsRemoved() throws {
    let stage = "\(room.door)/4194303"
    try Files.makeFolder("\(stage)/door")
    for name in ["door/socket", "begin", "pid", "oom", "away"] {
      close(try System.open("\(stage)/\(name)", O_WRONLY | O_CREAT, mode: 0o600).release())
    }
    for path in [stage, "\(stage)/door"] {
      #expect(unsafe chown(path, ContainerRoom.agentsUser, ContainerRoom.agentsUser) == 0)
    }
    try startReady("exec sleep 1000")
    #expect(!Files.exists(stage))
    stop(now: true)
  }

  // MARK: Limits

  @Test func aMemoryHogIsHeld() throws {
    try startReady("read -r line <&3; exec dd if=/dev/zero of=/dev/null bs=1024M count=1") {
      $0.budget.memory = 32 << 20
    }
    activate()
    room.run { !ends.isEmpty }
    #expect(ends.first?.failure.reason == .memory, "\(ends)")
    #expect(host.memory < 64 << 20)
  }

  // MARK: What it sees

  @Test func itHasNoRightsAndReachesNothing() throws {
    try startReady(
      """
      grep -E '^(CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Groups):' /proc/self/status
      echo net $(grep -c : /proc/net/dev)
      for folder in / /dev /etc /run /sys /sys/fs/cgroup /openstarry /openstarry/door /proc /proc/sys/kernel /srv; do
        touch $folder/x 2>/dev/null && echo WRITTEN $folder
      done
      for device in gpiochip0 i2c-1 video0 mem kmsg; do [ -e /dev/$device ] && echo SEEN $device; done
      for file in $(find /proc/sys -type f); do (true >>$file) 2>/dev/null && echo WRITTEN $file; done
      touch /tmp/x && echo tmp
      find / -name '*.sock' -not -path '/proc/*' 2>/dev/null
      unshare -U id && echo MADE
      env; echo done; cat <&3
      """
    ) { $0.permissions.paths = ["."] }
    room.run { host.lines.last == "done" }
    let text = host.lines.joined(separator: "\n")
    for line in [
      "CapPrm:\\t0000000000000000", "CapEff:\\t0000000000000000", "CapBnd:\\t0000000000000000",
      "CapAmb:\\t0000000000000000", "NoNewPrivs:\\t1", "Seccomp:\\t2", "net 1", "tmp", "OPENSTARRY_AGENT_ID=subject",
      "OPENSTARRY_HOME=/openstarry", "HOME=/tmp",
    ] {
      #expect(host.lines.contains { $0.hasPrefix(line) }, "\(line) is not in\n\(text)")
    }
    for word in ["WRITTEN", "SEEN", "MADE", "docker.sock", "control.sock"] { #expect(!text.contains(word), "\(text)") }
    stop(now: true)
  }

  @Test func itsFilesAreReadableAndNotWritable() throws {
    try room.write("plugins/tables/plugin.json", "{\"name\": \"tables\", \"version\": \"1.0.0\"}")
    try room.write("plugins/tables/table", "seven")
    try room.write("public/file", "eight")
    _ = unsafe chmod("\(room.folder)/plugins", 0o755)
    for name in ["plugins/tables/table", "public/file"] { _ = unsafe chmod("\(room.folder)/\(name)", 0o666) }
    try startReady(
      """
      cat $OPENSTARRY_HOME/plugins/tables/table; echo; cat \(room.folder)/public/file; echo
      for file in $OPENSTARRY_HOME/plugins/tables/table \(room.folder)/public/file; do
        (echo x >>$file) 2>/dev/null && echo WRITTEN $file
      done
      ls $OPENSTARRY_HOME/python; echo done; cat <&3
      """
    ) {
      $0.plugins = ["tables"]
      $0.permissions.paths = ["public"]
    }
    room.run { host.lines.last == "done" }
    #expect(Set(host.lines).isSuperset(of: ["seven", "eight", "openstarry.py"]), "\(host.lines)")
    #expect(!host.lines.joined().contains("WRITTEN"), "\(host.lines)")
    stop(now: true)
  }

  /// In some images only root may write to /tmp.
  @Test func itMayAlwaysWriteToItsTemporaryFolder() throws {
    try startReady("touch /tmp/x && echo written; mkdir -p /tmp/a/b && echo made; cat <&3") {
      $0.runtime.entry = "localhost/openstarry-test:narrow"
    }
    room.run { host.lines.count == 2 }
    #expect(host.lines == ["written", "made"])
    stop(now: true)
  }

  @Test func aPluginInARelativeHome() throws {
    let folder = try TemporaryFolder(in: ".")
    _ = unsafe chmod(folder.path, 0o755)
    try folder.write("plugins/tables/plugin.json", "{\"name\": \"tables\", \"version\": \"1.0.0\"}")
    try folder.write("plugins/tables/table", "seven")
    for name in ["plugins", "plugins/tables"] { _ = unsafe chmod("\(folder.path)/\(name)", 0o755) }
    _ = unsafe chmod("\(folder.path)/plugins/tables/table", 0o644)
    let room = try ContainerRoom(docker: DockerRoom.socket, home: folder.path)
    var manifest = room.manifest("\(ContainerRoom.ready); cat $OPENSTARRY_HOME/plugins/tables/table; echo; cat <&3")
    manifest.plugins = ["tables"]
    room.driver.start(manifest, host: host, ended: { _ in }) { [unowned self] in started = $0 }
    room.run { started != nil }
    #expect(instance != nil, "\(startFailure as Any)")
    room.run { !host.lines.isEmpty }
    #expect(host.lines == ["seven"])
  }
}
