//! The controls, as data: what each is called, where, how much it matters, how it is put right, and what evaluates it.
//!
//! SPEC: <https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html> and its siblings for KMS, S3, AWS
//! Config and CloudWatch; <https://docs.aws.amazon.com/config/latest/developerguide/managed-rules-by-aws-config.html>.
//! Controls whose id begins with `Shoseki.` are this product's own; an id in small letters with hyphens is a rule of AWS Config
//! that no control of Security Hub stands for.

use super::model::Severity::{self, Critical, High, Low, Medium};
use super::{Ground, Judgement, Options, access, account, bucket, delivery, key, lifecycle, outside, tail, trail};
use crate::message::Message;

/// A control.
#[derive(Debug)]
pub struct Control {
    /// `CloudTrail.2`.
    pub id: &'static str,
    /// How much it matters that it fails.
    pub severity: Severity,
    /// The type of what it is about: `AWS::CloudTrail::Trail`.
    pub resource: &'static str,
    title: [&'static str; 2],
    remedy: [&'static str; 2],
    /// Its numbers in CIS 1.2; 1.4, 1.5 and 2.0; 3.0, 4.0 and 5.0; 6.0 and 7.0. Empty where it is not in it.
    pub(super) cis: [&'static str; 4],
    /// Its id and requirements in PCI DSS 3.2.1 as Security Hub has it.
    pub(super) pci_3_2_1: &'static [&'static str],
    pub(super) pci_4_0_1: &'static [&'static str],
    pub(super) nist_800_53: &'static [&'static str],
    pub(super) nist_800_171: &'static [&'static str],
    /// The managed rule of AWS Config, by its name and its identifier.
    pub(super) config_rules: &'static [&'static str],
    /// The names that sample templates of 2022 cite for it.
    pub(super) seeds: &'static [&'static str],
    pub(super) evaluate: fn(&Ground<'_>) -> Vec<Judgement>,
}

impl PartialEq for Control {
    fn eq(&self, other: &Control) -> bool {
        self.id == other.id
    }
}

impl Control {
    /// What has to be so, in a few words.
    pub fn title(&self) -> Message {
        Message::new(self.title[0], self.title[1])
    }

    /// How it is put right.
    pub fn remedy(&self) -> Message {
        Message::new(self.remedy[0], self.remedy[1])
    }

    /// Whether it looks at each trail, or at the bucket or key of each.
    pub(super) fn is_of_trails(&self, options: &Options) -> bool {
        // Without a reader named it looks at nothing.
        let is_idle = self.id == "Shoseki.Readers" && options.readers.is_empty();
        [TRAIL, BUCKET, KEY].contains(&self.resource) && !is_idle
    }

    /// The page that tells of it; this product's own have none.
    pub fn page(&self) -> Option<String> {
        let (service, number) = self.id.split_once('.').unwrap_or((self.id, ""));
        match service {
            "Shoseki" => None,
            rule if rule.contains('-') => Some(format!(
                "https://docs.aws.amazon.com/config/latest/developerguide/{rule}.html"
            )),
            service => {
                let service = service.to_ascii_lowercase();
                Some(format!(
                    "https://docs.aws.amazon.com/securityhub/latest/userguide/{service}-controls.html#{service}-{number}"
                ))
            }
        }
    }
}

const ACCOUNT: &str = "AWS::::Account";
const TRAIL: &str = "AWS::CloudTrail::Trail";
const BUCKET: &str = "AWS::S3::Bucket";
const KEY: &str = "AWS::KMS::Key";

const fn control(id: &'static str, evaluate: fn(&Ground<'_>) -> Vec<Judgement>) -> Control {
    Control {
        id,
        severity: Low,
        resource: TRAIL,
        title: [""; 2],
        remedy: [""; 2],
        cis: [""; 4],
        pci_3_2_1: &[],
        pci_4_0_1: &[],
        nist_800_53: &[],
        nist_800_171: &[],
        config_rules: &[],
        seeds: &[],
        evaluate,
    }
}

/// What Security Hub lists for the controls that keep data from being read at rest.
const AT_REST: &[&str] = &[
    "AU-9", "CA-9(1)", "CM-3(6)", "SC-7(10)", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)",
];

/// All controls.
pub static CONTROLS: &[Control] = &[
    Control {
        severity: High,
        resource: ACCOUNT,
        title: [
            "A multi-Region trail logs all read and write management events",
            "マルチリージョンの証跡が読み取りと書き込みの管理イベントをすべて記録している",
        ],
        remedy: [
            "Make a multi-Region trail that logs read and write management events and excludes no source, and start it.",
            "読み取りと書き込みの管理イベントを除外なしで記録するマルチリージョンの証跡を作り、ログ記録を開始してください。",
        ],
        cis: ["2.1", "3.1", "3.1", "4.1"],
        nist_800_53: &[
            "AC-2(4)", "AC-4(26)", "AC-6(9)", "AU-2", "AU-3", "AU-6(3)", "AU-6(4)", "AU-10", "AU-12", "AU-14(1)",
            "CA-7", "SC-7(9)", "SI-3(8)", "SI-4(20)", "SI-7(8)", "SA-8(22)",
        ],
        config_rules: &["multi-region-cloudtrail-enabled", "MULTI_REGION_CLOUD_TRAIL_ENABLED"],
        seeds: &["CIS 2.1", "PCI.CloudTrail.2", "CloudTrail.1"],
        ..control("CloudTrail.1", account::multi_region)
    },
    Control {
        severity: Medium,
        title: [
            "The trail seals its log files with a KMS key",
            "証跡がログファイルを KMS キーで暗号化している",
        ],
        remedy: [
            "Give the trail a KMS key whose policy lets CloudTrail in: `shoseki trail encrypt`.",
            "CloudTrail に許可を与えるキーポリシーを持つ KMS キーを証跡に設定してください: `shoseki trail encrypt`。",
        ],
        cis: ["2.7", "3.7", "3.5", "4.5"],
        pci_3_2_1: &["PCI.CloudTrail.1", "3.4"],
        pci_4_0_1: &["10.3.2"],
        nist_800_53: AT_REST,
        nist_800_171: &["3.3.8"],
        config_rules: &["cloud-trail-encryption-enabled", "CLOUD_TRAIL_ENCRYPTION_ENABLED"],
        seeds: &["CIS 2.7", "PCI.CloudTrail.1", "CloudTrail.2"],
        ..control("CloudTrail.2", trail::encryption)
    },
    Control {
        severity: High,
        resource: ACCOUNT,
        title: [
            "At least one trail is logging",
            "少なくとも 1 つの証跡がログを記録している",
        ],
        remedy: [
            "Make a trail and start it: `shoseki trail setup`.",
            "証跡を作り、ログ記録を開始してください: `shoseki trail setup`。",
        ],
        pci_3_2_1: &[
            "PCI.CloudTrail.2",
            "10.1",
            "10.2.1",
            "10.2.2",
            "10.2.3",
            "10.2.4",
            "10.2.5",
            "10.2.6",
            "10.2.7",
            "10.3.1",
            "10.3.2",
            "10.3.3",
            "10.3.4",
            "10.3.5",
            "10.3.6",
        ],
        pci_4_0_1: &["10.2.1"],
        nist_800_171: &["3.3.1", "3.14.6", "3.14.7"],
        config_rules: &["cloudtrail-enabled", "CLOUD_TRAIL_ENABLED"],
        ..control("CloudTrail.3", account::enabled)
    },
    Control {
        severity: Low,
        title: [
            "The trail's log files are digested and signed",
            "証跡のログファイル検証が有効である",
        ],
        remedy: [
            "Turn log file validation on: UpdateTrail with EnableLogFileValidation.",
            "ログファイル検証を有効にしてください: EnableLogFileValidation を付けた UpdateTrail。",
        ],
        cis: ["2.2", "3.2", "3.2", "4.2"],
        pci_3_2_1: &["PCI.CloudTrail.3", "10.5.2", "10.5.5"],
        pci_4_0_1: &["10.3.2"],
        nist_800_53: &["AU-9", "SI-4", "SI-7(1)", "SI-7(3)", "SI-7(7)"],
        nist_800_171: &["3.3.8"],
        config_rules: &[
            "cloud-trail-log-file-validation-enabled",
            "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED",
        ],
        seeds: &["CIS 2.2", "CloudTrail.3", "CloudTrail.4"],
        ..control("CloudTrail.4", trail::validation)
    },
    Control {
        severity: Medium,
        title: [
            "The trail sends its events to CloudWatch Logs",
            "証跡がイベントを CloudWatch Logs に送っている",
        ],
        remedy: [
            "Give the trail a log group and a role that may write to it.",
            "証跡にロググループと、そこへ書き込めるロールを設定してください。",
        ],
        cis: ["2.4", "3.4", "", ""],
        pci_3_2_1: &["PCI.CloudTrail.4", "10.5.3"],
        nist_800_53: &[
            "AC-2(4)", "AC-4(26)", "AC-6(9)", "AU-2", "AU-3", "AU-6(1)", "AU-6(3)", "AU-6(4)", "AU-6(5)", "AU-7(1)",
            "AU-10", "AU-12", "CA-7", "SC-7(9)", "SI-3(8)", "SI-4(5)", "SI-4(20)", "SI-7(8)", "SI-20",
        ],
        config_rules: &[
            "cloud-trail-cloud-watch-logs-enabled",
            "CLOUD_TRAIL_CLOUD_WATCH_LOGS_ENABLED",
        ],
        seeds: &["CIS 2.4", "PCI.CloudTrail.4", "CloudTrail.5"],
        ..control("CloudTrail.5", trail::log_group)
    },
    Control {
        severity: Critical,
        resource: BUCKET,
        title: [
            "The bucket of the log files is not public",
            "ログファイルのバケットが公開されていない",
        ],
        remedy: [
            "Turn on all four settings of the bucket's public access block.",
            "バケットのパブリックアクセスブロックの 4 つの設定をすべて有効にしてください。",
        ],
        cis: ["2.3", "3.3", "", ""],
        pci_4_0_1: &["1.4.4"],
        config_rules: &[
            "s3-bucket-public-read-prohibited",
            "S3_BUCKET_PUBLIC_READ_PROHIBITED",
            "s3-bucket-public-write-prohibited",
            "S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
        ],
        ..control("CloudTrail.6", bucket::not_public)
    },
    Control {
        severity: Low,
        resource: BUCKET,
        title: [
            "Accesses to the bucket of the log files are logged",
            "ログファイルのバケットのサーバーアクセスログが有効である",
        ],
        remedy: [
            "Turn on server access logging to another bucket of the same Region and account.",
            "同じリージョン・同じアカウントの別バケットへのサーバーアクセスログを有効にしてください。",
        ],
        cis: ["2.6", "3.6", "3.4", "4.4"],
        pci_4_0_1: &["10.2.1"],
        config_rules: &["s3-bucket-logging-enabled", "S3_BUCKET_LOGGING_ENABLED"],
        ..control("CloudTrail.7", bucket::access_logged)
    },
    Control {
        severity: Low,
        title: ["The trail has tags", "証跡にタグが付いている"],
        remedy: [
            "Give the trail a tag: AddTags.",
            "証跡にタグを付けてください: AddTags。",
        ],
        config_rules: &["tagged-cloudtrail-trail"],
        ..control("CloudTrail.9", trail::tagged)
    },
    Control {
        severity: Medium,
        resource: "AWS::CloudTrail::EventDataStore",
        title: [
            "Event data stores are encrypted with a customer managed key",
            "イベントデータストアがカスタマーマネージドキーで暗号化されている",
        ],
        remedy: [
            "Give the event data store a key: UpdateEventDataStore with KmsKeyId. It cannot be taken back.",
            "イベントデータストアにキーを設定してください: KmsKeyId を付けた UpdateEventDataStore。取り消しはできません。",
        ],
        nist_800_53: &[
            "AU-9", "CA-9(1)", "CM-3(6)", "SC-7(10)", "SC-12(2)", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)",
        ],
        config_rules: &[
            "event-data-store-cmk-encryption-enabled",
            "EVENT_DATA_STORE_CMK_ENCRYPTION_ENABLED",
        ],
        ..control("CloudTrail.10", account::event_data_stores)
    },
    Control {
        severity: Low,
        resource: ACCOUNT,
        title: [
            "A metric filter and an alarm watch for changes of trails",
            "証跡の変更を監視するメトリクスフィルターとアラームがある",
        ],
        remedy: [
            "On the log group of a multi-Region trail, make a metric filter for changes of trails, an alarm on it, and a topic with a subscription.",
            "マルチリージョンの証跡のロググループに、証跡の変更を捉えるメトリクスフィルター、アラーム、購読者のいるトピックを作ってください。",
        ],
        cis: ["3.5", "4.5", "4.5", "5.5"],
        nist_800_171: &["3.3.8", "3.14.6", "3.14.7"],
        ..control("CloudWatch.5", account::changes_watched)
    },
    Control {
        severity: Critical,
        resource: ACCOUNT,
        title: [
            "AWS Config records, by its service-linked role",
            "AWS Config がサービスリンクロールで記録している",
        ],
        remedy: [
            "Turn AWS Config on in each Region, with its service-linked role.",
            "各リージョンで AWS Config をサービスリンクロールで有効にしてください。",
        ],
        cis: ["2.5", "3.5", "3.3", "4.3"],
        pci_3_2_1: &["10.5.2", "11.5"],
        nist_800_53: &["CM-3", "CM-6(1)", "CM-8", "CM-8(2)"],
        ..control("Config.1", account::config_records)
    },
    Control {
        severity: Critical,
        resource: KEY,
        title: ["The key is not scheduled for deletion", "キーの削除が予定されていない"],
        remedy: [
            "Cancel the deletion and enable the key: CancelKeyDeletion, EnableKey.",
            "削除を取り消し、キーを有効にしてください: CancelKeyDeletion と EnableKey。",
        ],
        nist_800_53: &["SC-12", "SC-12(2)"],
        config_rules: &[
            "kms-cmk-not-scheduled-for-deletion",
            "KMS_CMK_NOT_SCHEDULED_FOR_DELETION",
        ],
        ..control("KMS.3", key::not_scheduled_for_deletion)
    },
    Control {
        severity: Medium,
        resource: KEY,
        title: ["The key is rotated every year", "キーの自動ローテーションが有効である"],
        remedy: [
            "Turn the key's rotation on: EnableKeyRotation.",
            "キーのローテーションを有効にしてください: EnableKeyRotation。",
        ],
        cis: ["2.8", "3.8", "3.6", "4.6"],
        pci_3_2_1: &["PCI.KMS.1", "3.6.4"],
        pci_4_0_1: &["3.7.4"],
        nist_800_53: &["SC-12", "SC-12(2)", "SC-28(3)"],
        config_rules: &["cmk-backing-key-rotation-enabled", "CMK_BACKING_KEY_ROTATION_ENABLED"],
        ..control("KMS.4", key::rotated)
    },
    Control {
        severity: Medium,
        resource: BUCKET,
        title: [
            "The bucket is reached by TLS only",
            "バケットに TLS でのみアクセスできる",
        ],
        remedy: [
            "Add a statement to the bucket's policy that denies all calls with aws:SecureTransport false.",
            "aws:SecureTransport が false の呼び出しをすべて拒否するステートメントをバケットポリシーに加えてください。",
        ],
        cis: ["", "", "2.1.1", ""],
        pci_3_2_1: &["4.1"],
        pci_4_0_1: &["4.2.1"],
        nist_800_53: &[
            "AC-4", "AC-17(2)", "IA-5(1)", "SC-7(4)", "SC-8", "SC-8(1)", "SC-8(2)", "SC-12(3)", "SC-13", "SC-23",
            "SC-23(3)", "SI-7(6)",
        ],
        nist_800_171: &["3.13.8", "3.13.15"],
        config_rules: &["s3-bucket-ssl-requests-only", "S3_BUCKET_SSL_REQUESTS_ONLY"],
        ..control("S3.5", bucket::tls_only)
    },
    Control {
        severity: Medium,
        resource: BUCKET,
        title: [
            "The bucket's default encryption is by a KMS key",
            "バケットのデフォルト暗号化が KMS キーによる",
        ],
        remedy: [
            "Set the bucket's default encryption to aws:kms. Log files follow the trail's key, whatever it is.",
            "バケットのデフォルト暗号化を aws:kms にしてください。ログファイルの暗号化は証跡のキーに従います。",
        ],
        pci_4_0_1: &["3.5.1"],
        nist_800_53: &[
            "AU-9", "CA-9(1)", "CM-3(6)", "SC-7(10)", "SC-12(2)", "SC-13", "SC-28", "SC-28(1)", "SI-7(6)",
        ],
        nist_800_171: &["3.8.9", "3.13.11", "3.13.16"],
        config_rules: &["s3-default-encryption-kms", "S3_DEFAULT_ENCRYPTION_KMS"],
        ..control("S3.17", bucket::default_kms)
    },
    Control {
        severity: Medium,
        resource: ACCOUNT,
        title: [
            "A multi-Region trail logs writes of the objects of all buckets",
            "マルチリージョンの証跡が全バケットのオブジェクト書き込みを記録している",
        ],
        remedy: [
            "Log S3 data events of all buckets, at least writes: PutEventSelectors. Data events cost extra.",
            "全バケットの S3 データイベント(少なくとも書き込み)を記録してください: PutEventSelectors。データイベントは有料です。",
        ],
        cis: ["", "3.10", "3.8", "4.8"],
        pci_4_0_1: &["10.2.1"],
        config_rules: &[
            "cloudtrail-all-write-s3-data-event-check",
            "CLOUDTRAIL_ALL_WRITE_S3_DATA_EVENT_CHECK",
        ],
        ..control("S3.22", account::object_writes)
    },
    Control {
        severity: Medium,
        resource: ACCOUNT,
        title: [
            "A multi-Region trail logs reads of the objects of all buckets",
            "マルチリージョンの証跡が全バケットのオブジェクト読み取りを記録している",
        ],
        remedy: [
            "Log S3 data events of all buckets, at least reads: PutEventSelectors. Data events cost extra.",
            "全バケットの S3 データイベント(少なくとも読み取り)を記録してください: PutEventSelectors。データイベントは有料です。",
        ],
        cis: ["", "3.11", "3.9", "4.9"],
        pci_4_0_1: &["10.2.1"],
        config_rules: &[
            "cloudtrail-all-read-s3-data-event-check",
            "CLOUDTRAIL_ALL_READ_S3_DATA_EVENT_CHECK",
        ],
        ..control("S3.23", account::object_reads)
    },
    Control {
        severity: Low,
        resource: ACCOUNT,
        title: [
            "A trail logs reads and writes of the objects of all buckets",
            "いずれかの証跡が全バケットのオブジェクトの読み取りと書き込みを記録している",
        ],
        remedy: [
            "Log S3 data events of all buckets: PutEventSelectors. Data events cost extra.",
            "全バケットの S3 データイベントを記録してください: PutEventSelectors。データイベントは有料です。",
        ],
        config_rules: &["cloudtrail-s3-dataevents-enabled", "CLOUDTRAIL_S3_DATAEVENTS_ENABLED"],
        ..control("cloudtrail-s3-dataevents-enabled", account::object_events)
    },
    Control {
        severity: Medium,
        resource: ACCOUNT,
        title: [
            "One trail has it all: all Regions, global events, validation, a key, reads and writes of management",
            "全リージョン・グローバルイベント・検証・暗号化・管理イベントの読み書きをすべて備えた証跡がある",
        ],
        remedy: [
            "Give one trail all of it: `shoseki trail setup` makes such a trail, UpdateTrail and PutEventSelectors change one.",
            "1 つの証跡にすべてを備えさせてください。`shoseki trail setup` で作成、UpdateTrail と PutEventSelectors で変更できます。",
        ],
        config_rules: &["cloudtrail-security-trail-enabled", "CLOUDTRAIL_SECURITY_TRAIL_ENABLED"],
        ..control("cloudtrail-security-trail-enabled", account::security_trail)
    },
    Control {
        severity: Medium,
        resource: BUCKET,
        title: [
            "The bucket has a default encryption",
            "バケットにデフォルト暗号化がある",
        ],
        remedy: [
            "Give the bucket a default encryption: PutBucketEncryption.",
            "バケットにデフォルト暗号化を設定してください: PutBucketEncryption。",
        ],
        config_rules: &[
            "s3-bucket-server-side-encryption-enabled",
            "S3_BUCKET_SERVER_SIDE_ENCRYPTION_ENABLED",
        ],
        ..control("s3-bucket-server-side-encryption-enabled", bucket::default_encryption)
    },
    Control {
        severity: High,
        title: [
            "The trail can deliver, and does",
            "証跡がログを配信でき、実際に配信している",
        ],
        remedy: [
            "Add the missing statements to the policies of the bucket, the key, the role or the topic.",
            "バケット・キー・ロール・トピックのポリシーに、足りないステートメントを加えてください。",
        ],
        ..control("Shoseki.Delivery", delivery::delivery)
    },
    Control {
        severity: Medium,
        title: [
            "The intended readers can read the log files",
            "読むべき人がログファイルを読める",
        ],
        remedy: [
            "Give each reader s3:GetObject on the log files and kms:Decrypt by the key's policy.",
            "読み手に、ログファイルへの s3:GetObject とキーポリシーによる kms:Decrypt を与えてください。",
        ],
        ..control("Shoseki.Readers", access::readers)
    },
    Control {
        severity: Medium,
        title: [
            "Nobody else can read the log files",
            "それ以外の誰もログファイルを読めない",
        ],
        remedy: [
            "Narrow the key's policy and the policies of those who need not read; name the intended readers with --reader.",
            "キーポリシーと、読む必要のない人のポリシーを絞ってください。読むべき人は --reader で指定します。",
        ],
        ..control("Shoseki.OtherReaders", access::other_readers)
    },
    Control {
        severity: High,
        title: [
            "Nobody but the administrators can change or stop the trail, its log files or its key",
            "管理者以外の誰も証跡・ログファイル・キーを変更・停止できない",
        ],
        remedy: [
            "Take the rights from those who need not have them; name the administrators with --administrator.",
            "必要のない人から権限を外してください。管理者は --administrator で指定します。",
        ],
        ..control("Shoseki.Tampering", access::tampering)
    },
    Control {
        severity: Critical,
        resource: BUCKET,
        title: [
            "Nobody outside the account gets at the bucket of the log files",
            "アカウントの外の誰もログファイルのバケットに触れない",
        ],
        remedy: [
            "Take the grants to others out of the bucket's policy and ACL, or narrow them by a condition; name accounts that are meant with --trusted-account.",
            "外部への許可をバケットポリシーや ACL から外すか、条件で絞ってください。意図したアカウントは --trusted-account で指定します。",
        ],
        ..control("Shoseki.BucketOutsiders", outside::bucket_outsiders)
    },
    Control {
        severity: Critical,
        resource: KEY,
        title: [
            "Nobody outside the account gets at the key",
            "アカウントの外の誰もキーを使えない",
        ],
        remedy: [
            "Take the grants to others out of the key's policy and retire its grants, or narrow them by a condition; name accounts that are meant with --trusted-account.",
            "外部への許可をキーポリシーやグラントから外すか、条件で絞ってください。意図したアカウントは --trusted-account で指定します。",
        ],
        ..control("Shoseki.KeyOutsiders", outside::key_outsiders)
    },
    Control {
        severity: High,
        resource: BUCKET,
        title: [
            "No lifecycle rule removes log files too early",
            "ライフサイクルルールがログファイルを早く消さない",
        ],
        remedy: [
            "Let the rule keep log files for at least --retention days, or take them out of it.",
            "ログファイルを --retention の日数以上残すようにするか、ルールの対象から外してください。",
        ],
        ..control("Shoseki.Lifecycle", lifecycle::lifecycle)
    },
    Control {
        severity: Critical,
        resource: KEY,
        title: ["The trail's key can be used", "証跡のキーが使える状態にある"],
        remedy: ["Enable the key: EnableKey.", "キーを有効にしてください: EnableKey。"],
        ..control("Shoseki.KeyState", key::usable)
    },
    Control {
        severity: High,
        title: [
            "The newest digest of each Region is as new as it must be",
            "各リージョンの最新のダイジェストが新しい",
        ],
        remedy: [
            "Find out who removed digests, or why they are not delivered: `shoseki trail verify` shows the gap.",
            "ダイジェストが消された、または配信されない理由を調べてください。`shoseki trail verify` が欠落を示します。",
        ],
        ..control("Shoseki.DigestTail", tail::digest_tail)
    },
    Control {
        severity: High,
        title: [
            "The newest log files are sealed by the trail's key",
            "最新のログファイルが証跡のキーで暗号化されている",
        ],
        remedy: [
            "Wait for the next delivery when the key is new; else find out who put these files there.",
            "キーを設定した直後なら次の配信を待ち、そうでなければ誰がそのファイルを置いたか調べてください。",
        ],
        ..control("Shoseki.Sealed", tail::sealed)
    },
];
