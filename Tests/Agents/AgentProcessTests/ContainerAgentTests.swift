import Agent
import AgentProcess
import Glibc
import LauncherClient
import Linux
import Model
import ProcessTestKit
import Testing

/// Agents in real containers of podman.
@Suite(.enabled(if: ContainerRoom.absence == nil, "\(ContainerRoom.absence ?? "")"))
final class ContainerAgentTests: ContainerAgentCase {
  init() throws { try super.init(.podman) }

  // MARK: Ends

  @Test func anUnknownImage() throws {
    try start("exit 0") { $0.runtime.entry = "localhost/none:1" }
    #expect(startFailure?.reason == .startFailed)
    let text = startFailure?.message ?? ""
    #expect(text.hasPrefix("podman cannot start the container; its last line: ") && text.contains("none:1"), "\(text)")
  }

  @Test func everythingDiesWithIt() throws {
    try startReady("(exec sleep 6531) & (setsid sleep 6532) & exec sleep 6533")
    room.run { ContainerAgentCase.processes(with: "sleep\u{0}653").count == 3 }
    #expect(ContainerAgentCase.processes(with: "sleep\u{0}653").count == 3)
    // podman and conmon(8) do not stay.
    let sandbox = try #require(instance?.pid)
    room.run { ContainerAgentCase.names(below: sandbox).count == 6 }
    // bubblewrap twice, the launcher's stage, and the agent.
    #expect(ContainerAgentCase.names(below: sandbox).filter { $0 == "sleep" || $0 == "bwrap" }.count == 5)
    stop(now: true)
    room.run { ContainerAgentCase.processes(with: "sleep\u{0}653").isEmpty }
    #expect(ContainerAgentCase.processes(with: "sleep\u{0}653").isEmpty)
  }

  @Test func itDiesWithTheLauncherAndLeavesNothing() throws {
    try startReady("exec sleep 6642")
    room.run { ContainerAgentCase.processes(with: "sleep\u{0}6642").count == 1 }
    let launcher = try #require(room.launcher.process)
    kill(launcher, SIGKILL)
    room.run { !ends.isEmpty }
    #expect(ends.first?.failure.reason == .crash)
    #expect(ends.first?.failure.message.hasPrefix("the launcher is gone") == true, "\(ends)")
    room.run { ContainerAgentCase.processes(with: "sleep\u{0}6642").isEmpty }
    #expect(ContainerAgentCase.processes(with: "sleep\u{0}6642").isEmpty)
    // Its files were in its own memory; the images are as they were, and the next one starts.
    #expect(try Files.names(in: "\(ContainerRoom.images ?? "")/store/overlay-containers") == ["containers.lock"])
    (started, ends) = (nil, [])
    try startReady("exec sleep 1000")
    stop(now: true)
  }

  // MARK: Limits

  /// With runc the limit comes some milliseconds after the start, too late for a test.
  @Test(.enabled(if: Files.isFile("/usr/bin/crun"), "crun is not installed")) func aMemoryHogIsHeld() throws {
    try startReady("read -r line <&3; exec dd if=/dev/zero of=/dev/null bs=1024M count=1") {
      $0.budget.memory = 32 << 20
    }
    activate()
    room.run { !ends.isEmpty }
    #expect(ends.first.map { [.memory, .crash].contains($0.failure.reason) } == true, "\(ends)")
    #expect(host.memory < 64 << 20)
  }

  /// podman needs ten times as much.
  @Test(.enabled(if: Files.isFile("/usr/bin/crun"), "crun is not installed")) func aSmallBudgetIsTheAgentsAlone() throws
  {
    try startReady("read -r line <&3; sleep 1; printf '{\"id\":1,\"result\":{}}\\n' >&3; exec sleep 1000") {
      $0.budget.memory = 4 << 20
    }
    activate()
    room.run { !activations.isEmpty }
    #expect(activations.count == 1 && ends.isEmpty, "\(ends)")
    #expect(host.memory > 0 && host.memory < 4 << 20, "\(host.memory)")
    #expect(host.cpu < 50_000_000, "\(host.cpu)")
    stop(now: true)
  }

  @Test(arguments: ["/usr/bin/crun", "/usr/bin/runc", "/usr/sbin/runc"].filter { Files.isFile($0) })
  func eachRuntimeWorks(_ runtime: String) throws {
    let (code, text) = try room.output("sleep 0.1; echo ran; exit 5", runtime: runtime)
    #expect(code == 5 && text == "ran\n", "\(text)")
    #expect(try room.output("exit 6", runtime: runtime).code == 6)
  }

  // MARK: What it sees

  @Test func itHasNoRightsAndReachesNothing() throws {
    let (code, text) = try room.output(
      """
      grep -E '^(CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status
      echo net $(grep -c : /proc/net/dev)
      echo dev $(ls /dev)
      for folder in / /dev /dev/shm /etc /run /sys /sys/fs/cgroup /openstarry /proc /proc/sys/kernel /srv /volume; do
        touch $folder/x 2>/dev/null && echo WRITTEN $folder
      done
      for device in gpiochip0 i2c-1 video0 mem kmsg; do [ -e /dev/$device ] && echo SEEN $device; done
      for file in $(find /proc/sys -type f); do (true >>$file) 2>/dev/null && echo WRITTEN $file; done
      touch /tmp/x && echo tmp
      [ -e /tmp/openstarry-test ] || [ -e /var/lib ] && echo ESCAPED
      env; ls /proc | grep -c '^[0-9]'
      """)
    #expect(code == 0)
    for line in [
      "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000",
      "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "net 1", "tmp", "OPENSTARRY_AGENT_ID=subject",
      "OPENSTARRY_HOME=/openstarry", "HOME=/tmp",
    ] {
      #expect(text.split(separator: "\n").contains { $0 == line }, "\(line) is not in\n\(text)")
    }
    for word in ["WRITTEN", "SEEN", "ESCAPED", "PODMAN", "_CONTAINERS"] { #expect(!text.contains(word), "\(text)") }
    let devices = text.split(separator: "\n").first { $0.hasPrefix("dev ") }?.split(separator: " ").dropFirst() ?? []
    let basic = [
      "core", "fd", "full", "null", "ptmx", "random", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
    ]
    #expect(Set(devices.map(String.init)).isSubset(of: basic), "\(devices)")
  }

  @Test(.enabled(if: Files.isFile("/usr/bin/python3"), "python3 is not installed"))
  func itReachesTheHostsOfItsManifestAndNothingElse() throws {
    let web = try WebServer(room.run)
    let other = web.port == 65_535 ? 1 : web.port + 1
    try startReady(
      """
      wget -q -O - http://127.0.0.1:\(web.port)/listed; wget -O - http://127.0.0.1:\(other)/ 2>&1
      env | grep -i -c proxy; ls /sys/class/net /etc/resolv.conf 2>&1
      unset http_proxy; wget -O - http://127.0.0.1:\(web.port)/direct 2>&1; echo done; sleep 60
      """
    ) { $0.permissions.hosts = ["127.0.0.1:\(web.port)"] }
    room.run { host.lines.contains("done") }
    let text = host.lines.joined(separator: "\n")
    #expect(text.contains("GET /listed") && text.contains("network: connected to 127.0.0.1:\(web.port)"), "\(text)")
    #expect(text.contains("403 Forbidden") && text.contains("network: refused 127.0.0.1:\(other)"), "\(text)")
    #expect(!text.contains("GET /direct"), "\(text)")
    stop(now: true)
  }

  @Test func itMakesNoNamespaces() throws {
    let (_, text) = try room.output("unshare -U id && echo MADE; cat /proc/sys/user/max_user_namespaces")
    #expect(!text.contains("MADE") && text.hasSuffix("\n0\n"), "\(text)")
  }

  @Test func itsFilesAreReadableAndNotWritable() throws {
    try room.write("plugins/tables/plugin.json", "{\"name\": \"tables\", \"version\": \"1.0.0\"}")
    try room.write("plugins/tables/table", "seven")
    try room.write("data/public", "eight")
    try room.write("home/registry.db", "secret")
    _ = unsafe chmod("\(room.folder)/plugins", 0o755)
    for name in ["plugins/tables/table", "data/public", "home/registry.db"] {
      _ = unsafe chmod("\(room.folder)/\(name)", 0o666)
    }
    let (_, text) = try room.output(
      """
      cat $OPENSTARRY_HOME/plugins/tables/table; echo
      cat \(room.folder)/data/public; echo
      cat \(room.folder)/home/registry.db
      for file in $OPENSTARRY_HOME/plugins/tables/table \(room.folder)/data/public \(room.folder)/home/registry.db; do
        echo x 2>/dev/null >>$file && echo WRITTEN $file
      done
      ls $OPENSTARRY_HOME/python
      """
    ) {
      $0.plugins = ["tables"]
      $0.permissions.paths = ["data", "."]
    }
    #expect(text.contains("seven\n") && text.contains("eight\n") && text.contains("openstarry.py"), "\(text)")
    #expect(!text.contains("WRITTEN") && !text.contains("secret"), "\(text)")
  }
}
