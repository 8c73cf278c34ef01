import Agent
import Glibc
import Launcher
import Linux
import Model
import Plugins

/// The sandbox of one agent as a command line of bubblewrap (bwrap(1)): its own namespaces, a read-only system, private
/// /tmp, five devices, no capabilities, a seccomp filter, and Landlock as the last step.
///
/// Every mount costs 0.2 ms of the start, so there are no more than the agent needs.
package struct Sandbox: Sendable {
  /// The command line.
  package var words: [String]
  /// `NAME=value` each; bubblewrap passes it on.
  package var environment: [String] = []
  private let shown: ShownPaths
  /// The file of its seccomp filter; nil when it is not installed.
  private let filter: String?
  private let data: String?

  /// The size of /tmp in bytes.
  static let temporary = 16 << 20
  /// Where an agent finds `plugins`.
  static let home = "/openstarry"

  /// The sandbox of a manifest's agent.
  /// - Parameters:
  ///   - program: the program's path, with links resolved.
  ///   - hidden: files and folders of the daemon, which no agent sees even where it sees the folder around them.
  ///   - data: the folder that it may write to; nil for none.
  ///   - tasks: the most processes and threads.
  ///   - system: the machine's files.
  package init(
    _ manifest: Manifest, program: String, plugins: [InstalledPlugin], hidden: [String] = [], data: String? = nil,
    tasks: UInt32 = ProcessLimits().tasks, system: SystemFiles = SystemFiles()
  ) {
    let own = OwnFolders(manifest, program: program)
    shown = ShownPaths(of: manifest, folders: own.all, hidden: hidden)
    words = [
      Self.bubblewrap, "--unshare-all", "--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534",
    ]
    words += ["--hostname", "agent", "--cap-drop", "ALL", "--die-with-parent", "--new-session"]
    words += ["--ro-bind", "/usr", "/usr"]
    for (path, target) in system.roots {
      words += target.map { ["--symlink", $0, path] } ?? ["--ro-bind", path, path]
    }
    // Libraries outside the default folders, local time, and names such as awk. There are no accounts and no hosts.
    for path in ["/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives"] { words += ["--ro-bind-try", path, path] }
    let hasNetwork = !manifest.permissions.hosts.isEmpty
    // Whom to trust with TLS.
    if hasNetwork { words += ["--ro-bind-try", "/etc/ssl/certs", "/etc/ssl/certs"] }
    words += ["--proc", "/proc", "--remount-ro", "/proc"]
    for name in ["null", "zero", "full", "random", "urandom"] {
      words += ["--dev-bind", "/dev/\(name)", "/dev/\(name)"]
    }
    words += ["--perms", "0700", "--size", "\(Self.temporary)", "--tmpfs", "/tmp"]
    for path in own.all + shown.granted { words += ["--ro-bind", path, path] }
    for plugin in plugins { words += ["--ro-bind", plugin.path, "\(Self.home)/plugins/\(plugin.name)"] }
    words += shown.mask()
    self.data = data
    if let data { words += ["--bind", data, DataFolders.mount] }
    if let python = system.python { words += ["--ro-bind", python, "\(Self.home)/python"] }
    var stage = system.stage
    if !stage.hasPrefix("/usr/") {
      words += ["--ro-bind", stage, "\(Self.home)/stage"]
      stage = "\(Self.home)/stage"
    }
    words += ["--remount-ro", "/", "--chdir", own.work, "--seccomp", "4", "--", stage, "--stage"]
    words += ["--tasks", "\(tasks)"]
    if hasNetwork { words += ["--network", "\(AgentNetwork.port)"] }
    for path in ["/usr"] + system.roots.map(\.path) + own.all + [Self.home] { words += ["--run", path] }
    for path in ["/etc", "/proc"] + shown.granted { words += ["--read", path] }
    words += ["--use", "/dev", "--own", "/tmp"]
    if data != nil { words += ["--own", DataFolders.mount] }
    words += ["--", program] + manifest.runtime.arguments
    filter = Self.filter(of: manifest)
    environment =
      ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"]
      + AgentVariables.of(manifest, hasProxy: hasNetwork, hasData: data != nil)
  }

  /// Whether the agent would see a file by its manifest.
  /// - Parameter path: with links resolved.
  package func shows(_ path: String) -> Bool { shown.shows(path) }

  /// Those of `fs_allow_paths` that are not shown, each with the reason.
  package var refused: [String] { shown.refused }

  /// What the launcher executes.
  package var confinement: Confinement {
    Confinement(words: words, environment: environment, refused: refused, filter: filter, data: data)
  }

  /// bubblewrap's program.
  static let bubblewrap = "/usr/bin/bwrap"

  /// The seccomp filter of an agent, which the build makes; nil when it is not installed.
  static func filter(of manifest: Manifest) -> String? { CompanionProgram.find(filterName(of: manifest)) }

  /// The file of an agent's seccomp filter. Only agents with hosts have TCP, for the proxy.
  static func filterName(of manifest: Manifest) -> String {
    manifest.permissions.hosts.isEmpty ? "openstarry-agent.bpf" : "openstarry-agent-network.bpf"
  }
}

/// The files of this machine that a sandbox shows.
package struct SystemFiles: Sendable {
  /// /bin, /lib and so on, as far as they exist, each with the target of a link.
  package var roots: [(path: String, target: String?)]
  /// The launcher's program, which is also the last step inside the sandbox.
  package var stage: String
  /// The folder with openstarry.py; nil when it is not installed.
  package var python: String?

  /// What this machine has.
  package init() {
    roots = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].compactMap { path in
      if let target = Files.target(ofLink: path) { return (path, target) }
      return Files.isFolder(path) ? (path, nil) : nil
    }
    let launcher = CompanionProgram.find("openstarry-launcher") ?? "/usr/lib/openstarry/openstarry-launcher"
    stage = (try? Files.resolve(launcher)) ?? launcher
    python = Self.pythonFolder(beside: Files.folder(of: stage))
  }

  /// Installed in `share/openstarry/python`; in a checkout, whose programs are in `.build/release`, in `SDK/python`.
  private static func pythonFolder(beside programs: String) -> String? {
    [
      "\(programs)/../../share/openstarry/python", "/usr/share/openstarry/python", "\(programs)/../../SDK/python",
      "\(programs)/../../../SDK/python",
    ].lazy.compactMap { try? Files.resolve($0) }.first { Files.isFile("\($0)/openstarry.py") }
  }
}
