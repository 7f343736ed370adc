"""What kind of purpose a page has: terms of the W3C Data Privacy Vocabulary, and no others.

A mistyped term would be no term of ``analytics.dpv``, and so escape the bounds of analytics.
"""

from typing import Final

from policy.vocabulary.nearest import write_nearest
from policy.vocabulary.words import WordError

DPV_PREFIX: Final = "dpv:"
_PURPOSES: Final = """
    AcademicResearch AccountManagement Advertising CommercialResearch
    CommunicationForCustomerCare CommunicationManagement CustomerCare CustomerClaimsManagement
    CustomerManagement CustomerOrderManagement CustomerRelationshipManagement
    CustomerSolvencyMonitoring DeliveryOfGoods DirectMarketing DisputeManagement
    EnforceAccessControl EnforceSecurity EstablishContractualAgreement
    FraudPreventionAndDetection FulfilmentOfContractualObligation FulfilmentOfObligation
    HumanResourceManagement IdentityAuthentication IdentityVerification
    ImproveExistingProductsAndServices ImproveTransportAndMobility IncreaseServiceRobustness
    InternalResourceOptimisation LegalCompliance Marketing MisusePreventionAndDetection
    NonCommercialResearch OptimisationForConsumer OptimisationForController
    OrganisationComplianceManagement OrganisationGovernance OrganisationRiskManagement
    PaymentManagement Personalisation PersonalisedAdvertising PersonnelManagement
    ProtectionOfPublicSecurity ProvideOfficialStatistics ProvidePersonalisedRecommendations
    PublicBenefit PublicRelations RecordManagement RepairImpairments RequestedServiceProvision
    ResearchAndDevelopment RightsFulfilment ScientificResearch SellDataToThirdParties
    SellInsightsFromData SellProducts ServiceMonitoring ServiceOptimisation
    ServicePersonalisation ServiceProvision ServiceRegistration ServiceUsageAnalytics
    SocialMediaMarketing TargetedAdvertising TechnicalServiceProvision VendorManagement
    VendorPayment VendorRecordsManagement VendorSelectionAssessment Verification
"""
"""Purposes of DPV 2 that a company with vehicles may have; the vocabulary has more."""

TERMS: Final = tuple(sorted(f"{DPV_PREFIX}{name}" for name in _PURPOSES.split()))


def dpv_term(written: str) -> str:
    """The term, if it is one; WordError with the nearest as remedy otherwise."""
    if written in TERMS:
        return written
    message = "not a known purpose of the W3C Data Privacy Vocabulary"
    raise WordError(
        message, write_nearest(written, TERMS, "another term of policy/vocabulary/dpv_terms.py")
    )
