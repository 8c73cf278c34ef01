import Launcher
import Linux
import Model
import Plugins

/// The container of one agent as a command line: podman-run(1) in a sandbox of bubblewrap (bwrap(1)), which sees programs,
/// images, and what the manifest grants.
///
/// podman keeps all that it knows of the container in the sandbox's own memory, and reads only the images from the disk.
/// So containers know nothing of each other, the kernel ends all their processes with the sandbox, and nothing is left
/// behind, whoever dies.
///
/// The sandbox has a user namespace with a single user, the launcher's own. podman is root in it, as if rootless; the
/// container is the same user without a capability.
package struct Container: Sendable {
  /// What the launcher executes.
  package let confinement: Confinement

  /// Where an agent finds `plugins`.
  static let home = Sandbox.home
  /// Where podman's files are in the sandbox.
  private static let state = "/.openstarry"

  /// The container of a manifest's agent.
  /// - Parameters:
  ///   - image: its name.
  ///   - hidden: files and folders of the daemon, which no agent sees even where it sees the folder around them.
  ///   - data: the folder that it may write to; nil for none.
  ///   - limits: the limits that podman sets.
  ///   - engine: the programs that run containers here.
  ///   - system: the machine's files.
  package init(
    _ manifest: Manifest, image: String, plugins: [InstalledPlugin], hidden: [String] = [], data: String? = nil,
    limits: ProcessLimits = ProcessLimits(), engine: ContainerEngine, system: SystemFiles = SystemFiles()
  ) {
    var shown = ShownPaths(of: manifest, hidden: hidden)
    // podman separates the words of a volume with colons, and has no way to write one.
    for path in shown.granted where path.contains(":") { shown.refuse(path, "has a colon, which podman cannot mount") }
    var words = Self.sandbox(engine, system, plugins)
    for path in shown.granted { words += ["--ro-bind", path, path] }
    words += shown.mask()
    if let data { words += ["--bind", data, "\(Self.state)/data"] }
    var stage = system.stage
    if !stage.hasPrefix("/usr/") {
      words += ["--ro-bind", stage, "\(Self.state)/stage"]
      stage = "\(Self.state)/stage"
    }
    let podman = Self.podman(engine)
    words += ["--chdir", "/", "--", stage, "--container", Self.state]
    let hasNetwork = !manifest.permissions.hosts.isEmpty
    if hasNetwork { words += ["--network", "\(AgentNetwork.port)"] }
    // runc sets limits before it needs more memory itself.
    if engine.isCrun { words += ["--limit-after", "\(podman.count + 1)"] }
    words += ["--"] + podman + Self.run(engine, limits, hasNetwork: hasNetwork)
    for path in shown.granted { words += ["--volume", "\(path):\(path):ro"] }
    if data != nil { words += ["--volume", "\(Self.state)/data:\(DataFolders.mount):nosuid,nodev,noexec"] }
    for variable in AgentVariables.of(manifest, hasProxy: hasNetwork, hasData: data != nil) {
      words += ["--env", variable]
    }
    words += [image] + manifest.runtime.arguments
    confinement = Confinement(
      words: words, environment: Self.podmanEnvironment, refused: shown.refused, filter: nil, data: data,
      kind: .container)
  }

  /// bubblewrap's words: namespaces and mounts.
  private static func sandbox(
    _ engine: ContainerEngine, _ system: SystemFiles, _ plugins: [InstalledPlugin]
  ) -> [String] {
    var words = [Sandbox.bubblewrap, "--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0"]
    // In namespaces of its own: to mount, and to enter a container.
    words += ["--cap-add", "ALL", "--hostname", "agent", "--die-with-parent", "--new-session"]
    words += ["--ro-bind", "/usr", "/usr"]
    for (path, target) in system.roots {
      words += target.map { ["--symlink", $0, path] } ?? ["--ro-bind", path, path]
    }
    for path in ["/etc/ld.so.cache", "/etc/alternatives"] { words += ["--ro-bind-try", path, path] }
    words += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]
    // Read-only: the container stays in the group that the launcher has made, and its limits are that group's.
    if let groups = engine.groups { words += ["--ro-bind", groups, "/sys/fs/cgroup"] }
    words += ["--ro-bind", engine.store, "\(state)/images", "--perms", "0755", "--dir", home]
    words += ["--perms", "0755", "--dir", "\(home)/plugins"]
    for plugin in plugins { words += ["--ro-bind", plugin.path, "\(home)/plugins/\(plugin.name)"] }
    if let python = system.python { words += ["--ro-bind", python, "\(home)/python"] }
    return words
  }

  /// podman with the options that all its commands have.
  private static func podman(_ engine: ContainerEngine) -> [String] {
    [
      ContainerEngine.podman, "--log-level=error", "--root", "\(state)/store", "--runroot", "\(state)/run",
      "--tmpdir", "\(state)/tmp", "--storage-driver", "overlay", "--storage-opt", "overlay.ignore_chown_errors=true",
      "--storage-opt", "overlay.imagestore=\(state)/images", "--cgroup-manager", "cgroupfs",
      "--events-backend", "none", "--runtime", engine.runtime,
    ]
  }

  private static func run(_ engine: ContainerEngine, _ limits: ProcessLimits, hasNetwork: Bool) -> [String] {
    // Without --rm: podman would only tidy up what vanishes anyway.
    var words = ["run", "--detach", "--pidfile", "\(state)/pid", "--conmon-pidfile", "\(state)/conmon"]
    // Nothing that an image declares is carried out: it could be written to, or runs beside the agent.
    words += ["--image-volume=ignore", "--no-healthcheck"]
    words += ["--cidfile", "\(state)/id", "--pull=never", "--log-driver=passthrough", "--preserve-fds=1"]
    // runc does without control groups by itself when it may not write to any.
    if engine.isCrun { words.append("--cgroups=disabled") }
    // "host" is the sandbox: nothing but its loopback, where the proxy listens.
    words += hasNetwork ? ["--network=host", "--dns=none"] : ["--network=none"]
    words += ["--no-hosts", "--hostname", "agent", "--http-proxy=false", "--ipc=none"]
    words += ["--cap-drop=all", "--security-opt=no-new-privileges", "--user", "0:0"]
    // Without CAP_SYS_RESOURCE podman's own defaults, which are higher, could not be set.
    words += ["--ulimit", "nofile=\(limits.descriptors):\(limits.descriptors)"]
    words += ["--ulimit", "nproc=\(limits.tasks):\(limits.tasks)"]
    words += ["--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp:size=\(Sandbox.temporary),mode=0700"]
    // What podman would mount there can be written to, or shows the machine.
    words += ["--mount", "type=tmpfs,destination=/dev,ro=true,tmpfs-size=65536,tmpfs-mode=0755"]
    words += ["--mount", "type=tmpfs,destination=/sys,ro=true,tmpfs-size=4096,tmpfs-mode=0755"]
    words += ["--mount", "type=tmpfs,destination=/sys/fs/cgroup,ro=true,tmpfs-size=4096,tmpfs-mode=0755"]
    return words + ["--volume", "\(home):\(home):ro"]
  }

  /// The environment of podman; the agent's is in the command line.
  private static let podmanEnvironment = [
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=\(state)", "XDG_RUNTIME_DIR=\(state)", "TMPDIR=\(state)",
    // The machine's settings of podman are for other containers.
    "CONTAINERS_CONF=/dev/null", "CONTAINERS_REGISTRIES_CONF=/dev/null",
    // The user namespace is there already; podman need not make one, nor look for ranges of users.
    "_CONTAINERS_USERNS_CONFIGURED=done", "PODMAN_IGNORE_CGROUPSV1_WARNING=1", "LANG=C.UTF-8",
  ]
}
