import Document
import Glibc
import Linux
import Model
import Testing

/// The specification's example with a real repository: a push to main spawns the reviewer.
@Suite(.serialized) struct GitTests {
  private let station: Station
  private let variables: [String: String]

  init() throws {
    station = try Station()
    variables = [
      "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
      "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_NAME": "Ada",
      "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_TERMINAL_PROMPT": "0",
      // The hook finds the daemon by the repository's settings.
      "OPENSTARRY_SOCKET": "",
    ]
  }

  @discardableResult
  private func git(_ words: String..., in folder: String = "clone") throws -> String {
    let command = try station.start("git", ["-C", "\(station.folder)/\(folder)"] + words, variables)
    let code = command.wait()
    try #require(code == 0, "git \(words): \(command.errors)")
    return command.output
  }

  private func push(_ text: String, to branch: String) throws -> String {
    try station.write("clone/code.txt", text)
    try git("add", ".")
    try git("commit", "-q", "-m", "Change on \(branch)")
    try git("push", "-q", "origin", "HEAD:refs/heads/\(branch)")
    return String(try git("rev-parse", "HEAD").prefix(40))
  }

  @Test(.timeLimit(.minutes(15))) func aPushToMainIsReviewedAndAnyOtherIsNot() throws {
    guard try station.start("sh", ["-c", "command -v git"]).wait() == 0 else {
      print("skipped: git is not installed")
      return
    }
    for folder in ["repositories/project.git", "clone"] { try Files.makeFolder("\(station.folder)/\(folder)") }
    try git("init", "-q", "--bare", "-b", "main", in: "repositories/project.git")
    let hook = try Files.read("\(Station.repository)/Examples/git-review/hooks/post-receive")
    try Files.replace(
      "\(station.folder)/repositories/project.git/hooks/post-receive", with: hook, mode: 0o755)
    try git("config", "openstarry.command", Station.executable("openstarry"), in: "repositories/project.git")
    try git("config", "openstarry.socket", station.socket, in: "repositories/project.git")
    try git("init", "-q", "-b", "main")
    try git("remote", "add", "origin", "\(station.folder)/repositories/project.git")
    let daemon = try station.daemon(
      ["--home", "\(station.folder)/home", "--socket", station.socket],
      config: "\(Station.repository)/Examples/git-review/openstarry.yaml",
      environment: ["OPENSTARRY_REPOSITORIES": "\(station.folder)/repositories"])

    let topic = try push("let a = 1  // FIXME later\n", to: "topic")
    #expect(try station.waitFor("git:commit_pushed") { $0["payload"]?["commit"]?.string == topic })
    let silent = try station.run("rules", "test", "git:commit_pushed", "branch=topic")
    #expect(silent.output.contains("silent"))

    let commit = try push(
      "let a = 1  // FIXME later\nlet b = 2  // FIXME now\n-----BEGIN RSA PRIVATE KEY-----\n", to: "main")
    let finished = try station.waitFor("review:finished") { $0["payload"]?["commit"]?.string == commit }
    try #require(finished, "\(daemon.errors)")
    // The push to topic came first: any effect of it would be visible by now.
    #expect(try station.events("review:finished").count == 1)
    #expect(try station.events("agent:activated").count == 1)
    let log = try station.run("logs", "code-reviewer-agent").output
    let short = commit.prefix(10)
    #expect(log.contains("commit \(short) by Ada on main: 2 lines added, 0 removed in 1 files, 2 findings"), "\(log)")
    #expect(log.contains("\(short): code.txt:2: an unfinished place"))
    #expect(log.contains("\(short): code.txt:3: a private key"))
    #expect(!log.contains(topic.prefix(10)))
    let pushed = try station.events("git:commit_pushed").last
    #expect(pushed?["payload"]?["author"] == "Ada" && pushed?["payload"]?["branch"] == "main")
    let id = try #require(try station.events("review:finished").first?["id"]?.string)
    let why = try station.run("why", id).output
    for part in ["git:commit_pushed", "rule:fired", "agent:activated", "review:finished"] {
      #expect(why.contains(part))
    }

    // A board that does not answer does not delay a push.
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
    let last = try push("let a = 1\n", to: "main")
    #expect(try git("rev-parse", "main", in: "repositories/project.git").hasPrefix(last))
  }
}
