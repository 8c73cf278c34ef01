import Glibc
import TestKit
import Testing

@testable import Linux

@Suite struct TrustedFolderTests {
  private let place: TemporaryFolder

  init() throws { place = try TemporaryFolder() }

  /// The accounts of a machine with these further members of our group.
  private func machine(_ members: String) -> Accounts {
    Accounts(passwd: "me:x:\(geteuid()):\(getegid())\neve:x:4711:4711\n", group: "mine:x:\(getegid()):\(members)\n")
  }

  private func refusal(_ path: String, members: String = "me,eve") -> String {
    do throws(TrustError) {
      _ = try TrustedFolder(path, accounts: machine(members))
      return "taken"
    } catch {
      return error.description
    }
  }

  private func mode(_ path: String, _ mode: UInt32) { Files.setMode(path, mode) }

  private func link(_ target: String, _ path: String) { #expect(unsafe symlink(target, path) == 0) }

  private func opens(_ folder: TrustedFolder, _ name: String) -> Bool {
    if folder.open(name) == nil { false } else { true }
  }

  @Test func aMissingFolderIsMadePrivate() throws {
    #expect(refusal("\(place.path)/a/b") == "taken", "also below /tmp, which has the sticky bit")
    #expect(try FileStatus("\(place.path)/a/b").mode == 0o700)
  }

  /// For the folder and all its parents, and for group and others.
  @Test(arguments: ["", "/a", "/a/b"]) func aFolderThatIsWritableByOthersIsRefused(_ name: String) throws {
    try Files.makeFolder("\(place.path)/a/b")
    let path = "\(place.path)\(name)"
    mode(path, 0o770)
    #expect(refusal("\(place.path)/a/b") == "\(path) is writable by the group 'mine'")
    #expect(refusal("\(place.path)/a/b", members: "me") == "taken", "the group has no other members")
    #expect(refusal("\(place.path)/a/b", members: "") == "taken")
    mode(path, 0o707)
    #expect(refusal("\(place.path)/a/b") == "\(path) is writable by everyone")
    mode(path, 0o1777)
    #expect((refusal("\(place.path)/a/b") == "taken") == (name != "/a/b"), "the sticky bit is enough for a parent")
    mode(path, 0o755)
    #expect(refusal("\(place.path)/a/b") == "taken")
  }

  @Test func onlyPrivateGroupsHaveNoOtherMembers() {
    let accounts = Accounts(
      passwd: "root:x:0:0\nada:x:1000:1000\nbob:x:1001:100\neve:x:1002:100\n",
      group: "root:x:0:\nada:x:1000:root,ada\nusers:x:100:\ngpio:x:997:ada,bob\nodd:x:998:nobody-known\n")
    #expect(accounts.isAlone(1000, in: 1000) && accounts.isAlone(0, in: 0))
    for group in [100, 997, 998, 4711] as [UInt32] { #expect(!accounts.isAlone(1001, in: group), "\(group)") }
    #expect(!accounts.isAlone(1000, in: 997) && !accounts.isAlone(1001, in: 1000))
  }

  @Test func aFolderOfAnotherUserIsRefused() throws {
    guard geteuid() == 0 else {
      print("skipped: only root can give a folder to somebody else")
      return
    }
    try Files.makeFolder("\(place.path)/a/b")
    #expect(unsafe chown("\(place.path)/a", 4711, 0) == 0)
    #expect(refusal("\(place.path)/a/b") == "\(place.path)/a belongs to user 4711")
  }

  /// A writer of the link's folder could redirect the link.
  @Test func theFolderOfALinkMustBeTrustedToo() throws {
    try Files.makeFolder("\(place.path)/real")
    try Files.makeFolder("\(place.path)/open")
    link("\(place.path)/real", "\(place.path)/open/link")
    #expect(refusal("\(place.path)/open/link") == "taken")
    mode("\(place.path)/open", 0o777)
    #expect(refusal("\(place.path)/open/link") == "\(place.path)/open is writable by everyone")
  }

  @Test func aFolderThatMustBeNoLinkIsRefused() throws {
    try Files.makeFolder("\(place.path)/real")
    link("\(place.path)/real", "\(place.path)/link")
    link("\(place.path)/nowhere", "\(place.path)/lost")
    for name in ["link", "lost"] {
      let error = #expect(throws: TrustError.link("\(place.path)/\(name)")) {
        _ = try TrustedFolder("\(place.path)/\(name)", mayBeLink: false)
      }
      #expect(error?.description == "\(place.path)/\(name) is a symbolic link" && error?.remedy != nil)
    }
    _ = try TrustedFolder("\(place.path)/link")
    _ = try TrustedFolder("\(place.path)/real", mayBeLink: false)
  }

  /// Whoever checks a configuration need not be the daemon's user.
  @Test func theOwnerOfAFolderThatIsOnlyJudgedIsTrusted() throws {
    try Files.makeFolder("\(place.path)/home")
    try TrustedFolder.judge("\(place.path)/home")
    #expect(throws: TrustError.self) { try TrustedFolder.judge("\(place.path)/none") }
    #expect(!Files.exists("\(place.path)/none"))
    mode("\(place.path)/home", 0o777)
    #expect(throws: TrustError.writable("\(place.path)/home", by: "everyone")) {
      try TrustedFolder.judge("\(place.path)/home")
    }
    guard geteuid() == 0 else { return }
    mode("\(place.path)/home", 0o700)
    #expect(unsafe chown("\(place.path)/home", 4711, 0) == 0)
    try TrustedFolder.judge("\(place.path)/home")
  }

  @Test func onlyTrustedFilesAreOpened() throws {
    let folder = try TrustedFolder(place.path)
    try place.write("good", "x")
    #expect(opens(folder, "good"))
    #expect(!opens(folder, "missing"))
    link("\(place.path)/good", "\(place.path)/link")
    #expect(!opens(folder, "link"), "links are not followed")
    #expect(unsafe mkfifo("\(place.path)/pipe", 0o600) == 0)
    #expect(!opens(folder, "pipe"))
    try Files.makeFolder("\(place.path)/folder")
    #expect(!opens(folder, "folder"))
    mode("\(place.path)/good", 0o660)
    #expect(!opens(folder, "good"))
  }

  @Test func aKeyIsMadeOnceAndIsPrivate() throws {
    let folder = try TrustedFolder(place.path)
    let key = try SecretFile.key("k", in: folder)
    #expect(key.count == SecretFile.size && Set(key).count > 4)
    #expect(try FileStatus("\(place.path)/k").mode == 0o600)
    #expect(try SecretFile.key("k", in: folder) == key)
    #expect(place.names == ["k"])
    // A key that others could have read is replaced, and so is a short one.
    mode("\(place.path)/k", 0o644)
    let second = try SecretFile.key("k", in: folder)
    #expect(second != key)
    #expect(try FileStatus("\(place.path)/k").mode == 0o600)
    try Files.replace("\(place.path)/k", with: [1, 2, 3], mode: 0o600)
    #expect(try SecretFile.key("k", in: folder).count == SecretFile.size)
    #expect(place.names == ["k"])
  }
}
